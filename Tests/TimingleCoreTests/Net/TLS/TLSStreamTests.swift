import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Our client and our server over a pipe in memory, which is as narrow and as slow as a test wants.
struct TLSStreamTests {
    private static func clientContext(_ settings: TLSClientSettings? = nil) throws -> TLSContext {
        try TLSContext(
            client: settings ?? TLSClientSettings(trust: .file(TestCertificate.shared.certificateFile))
        )
    }

    // MARK: The way of bytes

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func bytesPassBothWays(version: TLSVersion) async throws {
        let newest = version == .tls13
        let server = try TLSContext(
            server: TLSServerSettings(
                certificateFile: TestCertificate.shared.certificateFile,
                keyFile: TestCertificate.shared.keyFile,
                minimumVersion: version
            )
        )
        try await withTLSWorld(server: server) { driver in
            try await driver.run { world in
                // Before the handshake: they wait for it.
                world.client.send(Array("ping".utf8))
                world.server.send(Array("pong".utf8))
            }
            #expect(
                try await driver.until {
                    $0.serverHandler.received == Array("ping".utf8) && $0.clientHandler.received == Array("pong".utf8)
                }
            )
            try await driver.run { world in
                #expect(world.clientTLS.session?.version == "TLSv1.3" || !newest)
                #expect(world.serverTLS.session?.cipher.contains("GCM") == true)
                #expect(!world.serverPipe.written.contains(Array("pong".utf8)))
            }
        }
    }

    /// A client's first flight that comes in two parts, whatever the cut.
    @Test func everySplitOfTheFirstFlightIsTheSame() async throws {
        try await withTLSWorld { driver in
            let flight = try await driver.run { $0.clientPipe.written }
            #expect(flight.count > 200)
            let server = try TestTransport.serverContext.get()
            let loop = driver.world.loop
            try await loop.enter {
                for cut in 1..<flight.count {
                    let (near, far) = PipeSocket.pair()
                    let stream = TLSStream(near, context: server)
                    let handler = RecordingHandler()
                    let connection = StreamConnection(
                        io: stream,
                        loop: loop,
                        peerAddress: .unspecified,
                        handler: handler
                    )
                    #expect(throws: Never.self) { try connection.open() }
                    near.arrive(Array(flight[..<cut]))
                    while near.turn(), !near.inbox.isEmpty {}
                    #expect(near.written.isEmpty && handler.closed.isEmpty, "at \(cut)")
                    near.arrive(Array(flight[cut...]))
                    while near.turn(), !near.inbox.isEmpty {}
                    // The server's flight, a handshake record first.
                    #expect(near.written.first == 22 && far.inbox.count == near.written.count, "at \(cut)")
                    connection.abort()
                }
            }
        }
    }

    @Test(arguments: [(1, 1), (1, 1_000_000), (1_000_000, 1), (3, 7), (100, 4_096)])
    func narrowPipesChangeNothing(readMax: Int, writeMax: Int) async throws {
        let up = TLSWorld.pattern(3_000)
        let down = TLSWorld.pattern(5_000)
        try await withTLSWorld { world in
            for pipe in [world.clientPipe, world.serverPipe] {
                pipe.readMax = readMax
                pipe.writeMax = writeMax
                pipe.room = 900
            }
        } _: { driver in
            try await driver.run { world in
                world.client.send(up)
                world.server.send(down)
            }
            let arrived = try await driver.until {
                $0.serverHandler.received.count >= up.count && $0.clientHandler.received.count >= down.count
            }
            #expect(arrived)
            try await driver.run { world in
                #expect(world.serverHandler.received == up && world.clientHandler.received == down)
                #expect(world.server.queuedBytes == 0 && world.client.queuedBytes == 0)
            }
        }
    }

    @Test func randomPipesChangeNothing() async throws {
        for seed: UInt64 in 1...6 {
            var random = SeededGenerator(seed: seed)
            let chunks = (0..<60).map { _ in TLSWorld.pattern(Int.random(in: 1...20_000, using: &random)) }
            let all = chunks.flatMap { $0 }
            let room = Int.random(in: 500...60_000, using: &random)
            let writeMax = Int.random(in: 100...50_000, using: &random)
            var limits = StreamLimits()
            limits.outboxBytes = 16 * 1024 * 1024
            try await withTLSWorld(streamLimits: limits) { world in
                world.serverPipe.room = room
                world.serverPipe.writeMax = writeMax
                world.clientPipe.readMax = writeMax / 2 + 1
            } _: { driver in
                try await driver.run { world in for chunk in chunks { world.server.send(chunk) } }
                #expect(try await driver.until { $0.clientHandler.received.count >= all.count }, "seed \(seed)")
                try await driver.run { #expect($0.clientHandler.received == all, "seed \(seed)") }
            }
        }
    }

    @Test func aBurstOfSmallChunksIsOneRecord() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.server.send([0]) }
            #expect(try await driver.until { $0.clientHandler.received.count == 1 })
            let before = try await driver.run { world in
                for number in 0..<60 { world.server.send([UInt8](repeating: UInt8(number), count: 200)) }
                return world.serverPipe.written.count
            }
            #expect(try await driver.until { $0.clientHandler.received.count == 1 + 60 * 200 })
            try await driver.run { world in
                let record = world.serverPipe.written[before...]
                #expect(record.count < 60 * 200 + 64)
                #expect(record.first == 23 && world.serverPipe.writeSizes.last == record.count)
            }
        }
    }

    @Test func whatTheSocketHasNotTakenCountsAsQueued() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.server.send([0]) }
            #expect(try await driver.until { $0.clientHandler.received.count == 1 })
            try await driver.run { world in
                world.serverPipe.room = 1_000
                world.server.send(TLSWorld.pattern(10_000))
            }
            try await driver.run { _ in }
            try await driver.run { world in
                // A tenth of the record went, and so counts a tenth of the bytes.
                #expect((8_900...9_100).contains(world.server.queuedBytes))
                #expect(world.serverHandler.drained == 1)
                world.serverPipe.room = .max
            }
            #expect(try await driver.until { $0.clientHandler.received.count == 10_001 })
            try await driver.run { #expect($0.server.queuedBytes == 0 && $0.serverHandler.drained == 2) }
        }
    }

    /// Two that both wait for the other to read would wait for ever.
    @Test func whoCannotWriteStillReads() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.server.send([0]) }
            #expect(try await driver.until { $0.clientHandler.received.count == 1 })
            try await driver.run { world in
                world.serverPipe.room = 0
                world.server.send(TLSWorld.pattern(300_000))
            }
            try await driver.run { $0.client.send(TLSWorld.pattern(300_000)) }
            #expect(try await driver.until { $0.serverHandler.received.count == 300_000 })
            try await driver.run { world in
                #expect(world.server.queuedBytes == 300_000)
                world.serverPipe.room = .max
            }
            #expect(try await driver.until { $0.clientHandler.received.count == 300_001 })
        }
    }

    @Test func aPausedReaderIsNotReadFor() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.client.send([1]) }
            #expect(try await driver.until { $0.serverHandler.received.count == 1 })
            try await driver.run { world in
                world.server.pauseReading()
                world.client.send(TLSWorld.pattern(100_000))
                world.client.closeAfterFlush()
            }
            #expect(try await driver.until { $0.clientPipe.isWriteShut })
            for _ in 0..<20 { try await driver.run { _ = $0.serverPipe.turn() } }
            try await driver.run { world in
                #expect(world.serverHandler.received.count == 1)
                world.server.resumeReading()
            }
            #expect(try await driver.until { $0.serverHandler.received.count == 100_001 })
            // And the end that came in the last read, of which no readiness tells.
            #expect(try await driver.until { $0.serverHandler.halfClosed == 1 })
        }
    }

    // MARK: Ends

    @Test func closingSaysSoBeforeFINAndIsNoFailure() async throws {
        try await withTLSWorld { driver in
            try await driver.run { world in
                world.client.send([1, 2, 3])
                world.client.closeAfterFlush()
            }
            #expect(try await driver.until { $0.serverHandler.halfClosed == 1 })
            try await driver.run { world in
                #expect(world.serverHandler.received == [1, 2, 3])
                // Half-closed: we may still answer, but the client that lingers throws it away.
                world.server.send([9])
                world.server.closeAfterFlush()
            }
            #expect(try await driver.until { $0.isOver })
            try await driver.run { world in
                #expect(world.serverHandler.closed == [.finished] && world.clientHandler.closed == [.finished])
            }
        }
    }

    @Test func anEndWithoutCloseNotifyIsAFailureToAClient() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.server.send([1]) }
            #expect(try await driver.until { $0.clientHandler.received.count == 1 })
            try await driver.run { $0.serverPipe.cut() }
            #expect(try await driver.until { !$0.clientHandler.closed.isEmpty })
            try await driver.run { #expect($0.clientHandler.closed == [.failed(.tlsTruncated)]) }
        }
    }

    @Test func anEndWithoutCloseNotifyIsAHalfCloseToAServer() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.client.send([1]) }
            #expect(try await driver.until { $0.serverHandler.received.count == 1 })
            try await driver.run { $0.clientPipe.cut() }
            #expect(try await driver.until { $0.serverHandler.halfClosed == 1 })
            try await driver.run { world in
                #expect(world.serverHandler.closed.isEmpty)
                world.server.send([2])
                world.server.closeAfterFlush()
            }
            #expect(try await driver.until { !$0.serverHandler.closed.isEmpty && $0.clientHandler.received == [2] })
            try await driver.run { #expect($0.serverHandler.closed == [.finished]) }
        }
    }

    @Test func aRecordThatWasTouchedIsAFailureAndToldByAnAlert() async throws {
        try await withTLSWorld { driver in
            try await driver.run { $0.client.send([1]) }
            #expect(try await driver.until { $0.serverHandler.received.count == 1 })
            try await driver.run { world in
                world.client.send([2])
                world.client.send([3])
            }
            try await driver.run { world in
                #expect(!world.serverPipe.inbox.isEmpty)
                world.serverPipe.flip(world.serverPipe.inbox.count - 1)
            }
            #expect(try await driver.until { !$0.serverHandler.closed.isEmpty })
            try await driver.run { world in
                #expect(world.serverHandler.closed == [.failed(.tlsFailure)])
                #expect(world.serverHandler.received == [1])
            }
        }
    }

    @Test func aHandshakeHasADeadline() async throws {
        var limits = TLSLimits()
        limits.handshakeDeadline = .milliseconds(20)
        try await withTLSWorld(limits: limits) { world in
            // The server's bytes never arrive.
            world.serverPipe.room = 0
        } _: { driver in
            let ended = try await eventually { try await driver.run { $0.isOver } }
            #expect(ended)
            try await driver.run { world in
                #expect(world.serverHandler.closed == [.failed(.tlsDeadline)])
                #expect(world.clientHandler.closed == [.failed(.tlsDeadline)])
                #expect(world.serverPipe.isClosed)
            }
        }
    }

    @Test func plainHTTPIsToldWhatThisPortSpeaks() async throws {
        try await withTLSWorld { driver in
            let server = try TestTransport.serverContext.get()
            let loop = driver.world.loop
            let answer = try await loop.enter { () -> ([UInt8], Bool) in
                let (near, far) = PipeSocket.pair()
                let connection = StreamConnection(
                    io: TLSStream(near, context: server),
                    loop: loop,
                    peerAddress: .unspecified,
                    handler: RecordingHandler()
                )
                #expect(throws: Never.self) { try connection.open() }
                near.arrive(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                while near.turn(), !near.inbox.isEmpty {}
                defer { connection.abort() }
                return (far.inbox, near.isWriteShut && !near.isClosed)
            }
            let text = String(decoding: answer.0, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && text.hasSuffix("this port speaks HTTPS\n"))
            #expect(answer.1, "it waits for the peer, so that nothing of it is lost")
        }
    }

    @Test func anUnknownProtocolIsRefusedByItsAlert() async throws {
        let client = try Self.clientContext(
            TLSClientSettings(
                trust: .file(TestCertificate.shared.certificateFile),
                applicationProtocols: ["h2", "spdy/3"]
            )
        )
        try await withTLSWorld(client: client) { driver in
            #expect(try await driver.until { $0.isOver })
            try await driver.run { world in
                // Fatal, no_application_protocol (RFC 7301 3.2).
                #expect(world.serverPipe.written == [21, 3, 3, 0, 2, 2, 120])
            }
        }
    }

    @Test func http11IsChosenAmongOthers() async throws {
        let client = try Self.clientContext(
            TLSClientSettings(
                trust: .file(TestCertificate.shared.certificateFile),
                applicationProtocols: ["h2", "http/1.1"]
            )
        )
        try await withTLSWorld(client: client) { driver in
            #expect(try await driver.until { $0.clientTLS.session != nil })
            try await driver.run { #expect($0.clientTLS.session?.applicationProtocol == "http/1.1") }
        }
    }

    // MARK: Whom a client believes

    @Test(arguments: [("localhost", true), ("127.0.0.1", true), ("example.org", false), ("127.0.0.2", false)])
    func aClientBelievesTheNameThatItMeant(name: String, isBelieved: Bool) async throws {
        try await withTLSWorld(name: name) { driver in
            try await driver.run { $0.client.send([1]) }
            #expect(try await driver.until { !$0.serverHandler.received.isEmpty || !$0.clientHandler.closed.isEmpty })
            try await driver.run { #expect($0.clientHandler.closed.isEmpty == isBelieved) }
        }
    }

    @Test func aClientBelievesItsAuthoritiesOnly() async throws {
        let other = try Self.clientContext(TLSClientSettings(trust: .file(TestCertificate.other.certificateFile)))
        try await withTLSWorld(client: other) { driver in
            let isRefused = try await driver.until { $0.isOver }
            #expect(isRefused)
        }
        let anybody = try Self.clientContext(TLSClientSettings(trust: .anybody))
        try await withTLSWorld(client: anybody) { driver in
            let isOpen = try await driver.until { $0.clientTLS.session != nil }
            #expect(isOpen)
        }
    }
}

extension Array where Element == UInt8 {
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        guard !other.isEmpty, other.count <= self.count else { return other.isEmpty }
        return (0...(self.count - other.count)).contains { self[$0..<($0 + other.count)].elementsEqual(other) }
    }
}
