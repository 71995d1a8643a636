import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Many bytes both ways at once, over pipes and sockets that are as narrow and as slow as they can be.
struct TLSTransferTests {
    private static let bytes = 8 * 1024 * 1024

    private static var limits: StreamLimits {
        var limits = StreamLimits()
        limits.outboxBytes = 2 * Self.bytes
        limits.writeDeadline = .seconds(60)
        return limits
    }

    /// What is left to send, cut at random into little more than nothing, or more than a record.
    private struct Source {
        private var rest: ArraySlice<UInt8>
        private var random: SeededGenerator

        init(_ bytes: [UInt8], seed: UInt64) {
            self.rest = bytes[...]
            self.random = SeededGenerator(seed: seed)
        }

        mutating func next() -> [[UInt8]] {
            (0..<Int.random(in: 0...30, using: &self.random)).compactMap { _ in
                let most = [1, 9, 300, 3_000, 40_000].randomElement(using: &self.random) ?? 1
                let portion = Array(self.rest.prefix(Int.random(in: 1...most, using: &self.random)))
                self.rest = self.rest.dropFirst(portion.count)
                return portion.isEmpty ? nil : portion
            }
        }
    }

    private final class Sources {
        var up: Source
        var down: Source
        var random = SeededGenerator(seed: 3)

        init(_ bytes: [UInt8]) {
            self.up = Source(bytes, seed: 1)
            self.down = Source(bytes, seed: 2)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func eightMebibytesBothWaysThroughNarrowPipes() async throws {
        let whole = TLSWorld.pattern(Self.bytes)
        var limits = TLSLimits()
        limits.handshakeDeadline = .seconds(60)
        try await withTLSWorld(limits: limits, streamLimits: Self.limits) { driver in
            let sources = try await driver.run { LoopBound(Sources(whole), on: $0.loop) }
            let arrived = try await driver.until { world in
                let sources = sources.value
                for portion in sources.up.next() { world.client.send(portion) }
                for portion in sources.down.next() { world.server.send(portion) }
                for pipe in [world.clientPipe, world.serverPipe] {
                    // At times nothing goes; at others a few bytes, or all.
                    let most = [1, 5, 700, 17_000, 100_000].randomElement(using: &sources.random) ?? 1
                    pipe.room = Int.random(in: 0...(4 * most), using: &sources.random)
                    pipe.readMax = Int.random(in: 1...most, using: &sources.random)
                    pipe.writeMax = Int.random(in: 1...most, using: &sources.random)
                }
                // Who has stopped reading still writes.
                for connection in [world.client, world.server] {
                    let isPaused = Int.random(in: 0..<4, using: &sources.random) == 0
                    if isPaused { connection.pauseReading() } else { connection.resumeReading() }
                }
                return world.serverHandler.received.count >= Self.bytes
                    && world.clientHandler.received.count >= Self.bytes
            }
            #expect(arrived)
            try await driver.run { world in
                #expect(world.serverHandler.received == whole && world.clientHandler.received == whole)
                #expect(world.server.queuedBytes == 0 && world.client.queuedBytes == 0)
                #expect(world.serverHandler.closed.isEmpty && world.clientHandler.closed.isEmpty)
                world.clientPipe.writeMax = .max
                world.serverPipe.writeMax = .max
            }
        }
    }

    /// One end of a real socket, on a loop of its own.
    private final class End {
        let connection: StreamConnection
        let handler = RecordingHandler()
        private var unread = 0
        private var source: Source

        init(_ descriptor: CInt, _ loop: EventLoop, _ context: TLSContext, sending bytes: [UInt8]) throws {
            self.source = Source(bytes, seed: UInt64(descriptor))
            let stream = TLSStream(
                SocketStream(Socket(owning: descriptor)),
                context: context,
                serverName: context.isServer ? nil : "localhost"
            )
            self.connection = StreamConnection(
                io: stream,
                loop: loop,
                peerAddress: .unspecified,
                limits: Shared(TLSTransferTests.limits),
                handler: self.handler
            )
            // A reader that rests after each 50 KiB: both kernels' buffers fill up, and both outboxes.
            self.handler.onBytes = { [unowned self] connection in
                self.unread += self.handler.offers.last ?? 0
                guard self.unread >= 50_000 else { return }
                self.unread = 0
                connection.pauseReading()
                connection.loop.schedule(after: .microseconds(200)) { connection.resumeReading() }
            }
            try self.connection.open()
            self.feed()
        }

        /// A little in each turn, until all is sent.
        private func feed() {
            var isEmpty = true
            for portion in self.source.next() {
                self.connection.send(portion)
                isEmpty = false
            }
            self.idle = isEmpty ? self.idle + 1 : 0
            guard self.idle < 20 else { return }
            self.connection.loop.schedule(after: .zero) { [weak self] in self?.feed() }
        }

        private var idle = 0
    }

    @Test(.timeLimit(.minutes(5)))
    func eightMebibytesBothWaysBetweenSlowReaders() async throws {
        let whole = TLSWorld.pattern(Self.bytes)
        let client = try TestTransport.clientContext.get()
        let server = try TestTransport.serverContext.get()
        try await withEventLoopGroup(count: 2) { group in
            let (near, far) = try Socket.pair()
            let ends = [
                try await group.loops[0].enter {
                    LoopBound(try End(near, group.loops[0], server, sending: whole), on: group.loops[0])
                },
                try await group.loops[1].enter {
                    LoopBound(try End(far, group.loops[1], client, sending: whole), on: group.loops[1])
                },
            ]
            for end in ends {
                let arrived = try await eventually(120) {
                    try await end.loop.enter {
                        end.value.handler.received.count >= Self.bytes || !end.value.handler.closed.isEmpty
                    }
                }
                #expect(arrived)
            }
            for end in ends {
                try await end.loop.enter {
                    #expect(end.value.handler.received == whole && end.value.handler.closed.isEmpty)
                }
            }
            for end in ends { try await end.loop.enter { end.value.connection.abort() } }
            for end in ends { try await end.loop.enter {} }
        }
    }

    /// A whole conversation whose bytes to the server come in two parts, whatever the cut, and byte by byte.
    @Test func everySplitOfAConversationIsTheSame() async throws {
        let server = try TestTransport.serverContext.get()
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                for cut in 0..<160 {
                    let (near, far) = PipeSocket.pair()
                    let handler = RecordingHandler()
                    let connection = StreamConnection(
                        io: TLSStream(near, context: server),
                        loop: loop,
                        peerAddress: .unspecified,
                        handler: handler
                    )
                    #expect(throws: Never.self) { try connection.open() }
                    let peer = TLSPeer(cut % 2 == 0 ? .tls12 : .tls13)
                    peer.goOn()
                    func carry(_ flight: [UInt8]) {
                        // The last of them one byte at a time.
                        let parts =
                            cut == 159
                            ? flight.map { [$0] } : [flight.prefix(cut), flight.dropFirst(cut)].map(Array.init)
                        for part in parts where !part.isEmpty {
                            near.arrive(part)
                            while near.turn(), !near.inbox.isEmpty {}
                        }
                        peer.feed(far.takeInbox())
                    }
                    while case let flight = peer.takeOutgoing(), !flight.isEmpty { carry(flight) }
                    peer.write(TLSWorld.pattern(70))
                    peer.write([7])
                    peer.closeNotify()
                    carry(peer.takeOutgoing())
                    // The end is told by the next look, or in the same.
                    while near.turn() {}
                    #expect(handler.received == TLSWorld.pattern(70) + [7], "at \(cut)")
                    #expect(handler.closed.isEmpty, "at \(cut)")
                    connection.abort()
                }
            }
        }
    }
}
