import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Our server and a foreign client: sessions, keys, names, ends, and what is no TLS at all.
struct TLSSessionTests {
    /// One connection in memory.
    ///
    /// Loop-confined.
    private final class World {
        let near: PipeSocket
        private let far: PipeSocket
        let stream: TLSStream
        let server: StreamConnection
        let handler = RecordingHandler()
        let peer: TLSPeer
        /// All that the server sent.
        var sent: [UInt8] { self.near.written }

        init(_ loop: EventLoop, _ context: TLSContext, _ peer: TLSPeer, log: Log = .silent) throws {
            (self.near, self.far) = PipeSocket.pair()
            self.stream = TLSStream(self.near, context: context, log: log)
            self.server = StreamConnection(
                io: self.stream,
                loop: loop,
                peerAddress: .unspecified,
                handler: self.handler
            )
            self.peer = peer
            try self.server.open()
        }

        /// Carries what waits in both directions; false when nothing did.
        func turn() -> Bool {
            let flight = self.peer.takeOutgoing()
            if !flight.isEmpty { self.near.arrive(flight) }
            let worked = self.near.turn()
            let answer = self.far.takeInbox()
            if !answer.isEmpty { self.peer.feed(answer) }
            return !flight.isEmpty || worked || !answer.isEmpty
        }

        func end(sayingSo: Bool) throws {
            if sayingSo { self.peer.closeNotify() }
            self.near.arrive(self.peer.takeOutgoing())
            try self.far.shutdownWrite()
        }
    }

    private typealias Step = @Sendable (World) throws -> Void

    /// Runs the steps one after the other, each until nothing moves any more; the first is behind the handshake.
    private func run(
        _ context: TLSContext,
        log: Log = .silent,
        peer: @escaping @Sendable () -> TLSPeer = { TLSPeer() },
        shakesHands: Bool = true,
        _ steps: [Step]
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter { LoopBound(try World(loop, context, peer(), log: log), on: loop) }
            if shakesHands {
                try await loop.enter { world.value.peer.goOn() }
                try await Self.settle(world)
            }
            for step in steps {
                try await loop.enter { try step(world.value) }
                try await Self.settle(world)
            }
            try await loop.enter { world.value.server.abort() }
            try await loop.enter {}
        }
    }

    private static func settle(_ world: LoopBound<World>) async throws {
        var idle = 0
        while idle < 4 {
            idle = try await world.loop.enter { world.value.turn() } ? 0 : idle + 1
        }
    }

    private static func context(clock: @escaping @Sendable () -> MonotonicInstant = { .now }) throws -> TLSContext {
        let certificate = TestCertificate.shared
        return try TLSContext(
            server: TLSServerSettings(certificateFile: certificate.certificateFile, keyFile: certificate.keyFile),
            ticketClock: clock
        )
    }

    /// What a client keeps of a connection on which bytes went both ways.
    private func session(
        _ context: TLSContext,
        _ version: TLSPeer.Version,
        resuming session: TLSPeer.Session? = nil
    ) async throws -> (isResumed: Bool, session: TLSPeer.Session) {
        let result = Mutex<(Bool, TLSPeer.Session)?>(nil)
        try await self.run(
            context,
            peer: { TLSPeer(version, resuming: session) },
            [
                { world in
                    world.peer.write([1, 2])
                    world.server.send([3])
                },
                { world in
                    #expect(world.handler.received == [1, 2] && world.peer.received == [3])
                    #expect(world.peer.version == (version == .tls12 ? "TLSv1.2" : "TLSv1.3"))
                    #expect(world.stream.session?.isResumed == world.peer.isResumed)
                    let isResumed = world.peer.isResumed
                    let session = try #require(world.peer.session)
                    result.withLock { $0 = (isResumed, session) }
                    try world.end(sayingSo: true)
                },
            ]
        )
        let found = try #require(result.withLock { $0 })
        return (found.0, found.1)
    }

    // MARK: Sessions

    @Test(arguments: [TLSPeer.Version.tls12, .tls13])
    func aSessionIsResumedAgainAndAgain(version: TLSPeer.Version) async throws {
        let context = try Self.context()
        var last = try await self.session(context, version)
        #expect(!last.isResumed && last.session.isResumable)
        #expect(last.session.lifetimeSeconds == Int(TLSTicketKeys.ticketLifetime.components.seconds))
        for _ in 0..<3 {
            last = try await self.session(context, version, resuming: last.session)
            #expect(last.isResumed)
        }
        // Another process has other keys.
        #expect(try await !self.session(Self.context(), version, resuming: last.session).isResumed)
    }

    @Test(arguments: [TLSPeer.Version.tls12, .tls13])
    func aTicketOutlivesItsKeyByItsOwnLifetime(version: TLSPeer.Version) async throws {
        let passed = Locked(Duration.zero)
        let start = MonotonicInstant.now
        let context = try Self.context { start + passed.withLock { $0 } }
        let old = try await self.session(context, version).session
        passed.withLock { $0 = TLSTicketKeys.sealingPeriod }
        let renewed = try await self.session(context, version, resuming: old)
        #expect(renewed.isResumed)
        passed.withLock { $0 = TLSTicketKeys.sealingPeriod + TLSTicketKeys.ticketLifetime }
        #expect(try await !self.session(context, version, resuming: old).isResumed)
        // It was sealed anew when it was used.
        #expect(try await self.session(context, version, resuming: renewed.session).isResumed)
        passed.withLock { $0 = .seconds(14 * 86_400) }
        #expect(try await !self.session(context, version, resuming: renewed.session).isResumed)
    }

    @Test(arguments: [TLSPeer.Version.tls12, .tls13])
    func aTicketThatIsTooOldMeansAFullHandshake(version: TLSPeer.Version) async throws {
        let context = try Self.context()
        TLSPeer.backdateTickets(of: context.handle.pointer)
        let old = try await self.session(context, version).session
        #expect(old.isResumable)
        #expect(try await !self.session(context, version, resuming: old).isResumed)
    }

    @Test(arguments: [TLSPeer.Version.tls12, .tls13])
    func aReloadShowsTheNewCertificateAndDisturbsNobody(version: TLSPeer.Version) async throws {
        let moving = TestCertificate(name: "moving-\(version)")
        let context = try TLSContext(
            server: TLSServerSettings(certificateFile: moving.certificateFile, keyFile: moving.keyFile)
        )
        let before = try await self.session(context, version).session
        let shown = Locked<[[UInt8]?]>([])
        try await self.run(
            context,
            peer: { TLSPeer(version) },
            [
                { world in
                    let digest = world.peer.certificateDigest
                    shown.withLock { $0.append(digest) }
                    _ = TestCertificate(name: "moving-\(version)")
                    try context.reload()
                    world.peer.write([1])
                    world.server.send([2])
                },
                { world in
                    // Who was there before goes on.
                    #expect(world.handler.received == [1] && world.peer.received == [2])
                },
            ]
        )
        try await self.run(
            context,
            peer: { TLSPeer(version) },
            [
                { world in
                    let digest = world.peer.certificateDigest
                    shown.withLock { $0.append(digest) }
                }
            ]
        )
        let digests = shown.withLock { $0 }
        #expect(digests.count == 2 && digests[0] != nil && digests[1] != nil && digests[0] != digests[1])
        #expect(try await self.session(context, version, resuming: before).isResumed)
    }

    @Test(arguments: [nil, "localhost", "nobody.example", String(repeating: "a", count: 250)] as [String?])
    func whateverNameIsAskedForTheCertificateIsTheSame(name: String?) async throws {
        for version in [TLSPeer.Version.tls12, .tls13] {
            try await self.run(
                try Self.context(),
                peer: { TLSPeer(version, serverName: name) },
                [
                    { world in
                        #expect(world.peer.isDone && world.peer.certificateDigest != nil)
                        world.peer.write([1])
                    },
                    { #expect($0.handler.received == [1]) },
                ]
            )
        }
    }

    // MARK: Inside a session

    @Test func anotherHandshakeInsideTheFirstIsRefused() async throws {
        try await self.run(
            try Self.context(),
            peer: { TLSPeer(.tls12) },
            [
                { $0.peer.renegotiate() },
                { world in
                    // no_renegotiation, which is a warning; it is the client that ends it then.
                    #expect(world.peer.alerts == [100] && world.peer.failure != nil)
                    #expect(world.handler.closed == [.failed(.tlsFailure)])
                },
            ]
        )
    }

    @Test func newKeysInTheMiddleChangeNothing() async throws {
        let down = TLSWorld.pattern(200_000)
        let up = TLSWorld.pattern(40_000)
        try await self.run(
            try Self.context(),
            [
                { world in
                    world.near.room = 3_000
                    world.near.writeMax = 1_100
                    for start in stride(from: 0, to: down.count, by: 5_000) {
                        world.server.send(Array(down[start..<(start + 5_000)]))
                    }
                    for start in stride(from: 0, to: up.count, by: 1_000) {
                        world.peer.updateKeys()
                        world.peer.write(Array(up[start..<(start + 1_000)]))
                    }
                },
                { world in
                    #expect(world.handler.received == up && world.peer.received == down)
                    #expect(world.peer.failure == nil && world.handler.closed.isEmpty)
                },
            ]
        )
    }

    @Test func whoAsksForNewKeysAndDoesNotReadIsReadNoFurther() async throws {
        try await self.run(
            try Self.context(),
            [
                { world in
                    world.near.room = 0
                    for _ in 0..<8_000 { world.peer.updateKeys() }
                    world.near.arrive(world.peer.takeOutgoing())
                    let all = world.near.inbox.count
                    #expect(all > 200_000)
                    while world.near.turn() {}
                    // A read of 64 KiB may go beyond the limit, and no further one.
                    #expect(all - world.near.inbox.count < 32 * 1024 + 2 * BufferPool.readBytes)
                    #expect(!world.near.interest.contains(.read) && world.near.interest.contains(.write))
                    world.near.room = .max
                },
                { world in
                    #expect(world.near.inbox.isEmpty && world.peer.failure == nil && world.handler.closed.isEmpty)
                },
            ]
        )
    }

    // MARK: Ends

    @Test(arguments: [true, false])
    func theClientsEndLosesNothingOfTheAnswer(saysSo: Bool) async throws {
        let answer = TLSWorld.pattern(300_000)
        try await self.run(
            try Self.context(),
            [
                { world in
                    world.peer.write([1])
                    try world.end(sayingSo: saysSo)
                },
                { world in
                    #expect(world.handler.received == [1] && world.handler.halfClosed == 1)
                    world.near.room = 20_000
                    world.near.writeMax = 9_000
                    world.server.send(answer)
                    world.server.closeAfterFlush()
                },
                { world in
                    #expect(world.peer.received == answer && world.peer.hasCloseNotify)
                    #expect(world.handler.closed == [.finished] && world.near.isClosed && !world.near.wasReset)
                },
            ]
        )
    }

    @Test(arguments: [true, false])
    func whatComesBehindOurEndIsThrownAway(saysSo: Bool) async throws {
        try await self.run(
            try Self.context(),
            [
                { world in
                    world.server.send([1])
                    world.server.closeAfterFlush()
                },
                { world in
                    #expect(world.peer.received == [1] && world.peer.hasCloseNotify && world.near.isWriteShut)
                    #expect(world.handler.closed.isEmpty)
                    world.peer.write(TLSWorld.pattern(50_000))
                    try world.end(sayingSo: saysSo)
                },
                { world in
                    #expect(world.handler.received.isEmpty && world.handler.halfClosed == 0)
                    #expect(world.handler.closed == [.finished])
                },
            ]
        )
    }

    @Test func anEndInTheMiddleOfARecordGivesNothingOfIt() async throws {
        try await self.run(
            try Self.context(),
            [
                { world in
                    world.peer.write([1])
                    world.peer.write(TLSWorld.pattern(5_000))
                    let bytes = world.peer.takeOutgoing()
                    world.near.arrive(bytes.dropLast(1))
                    try world.end(sayingSo: false)
                },
                { #expect($0.handler.received == [1] && $0.handler.halfClosed == 1) },
            ]
        )
    }

    // MARK: No TLS

    private static let noise: [[UInt8]] = {
        var random = SeededGenerator(seed: 17)
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) } }
        return [
            // Records: longer than any may be, of no kind, empty ones, data and a change before there are keys.
            [22, 3, 1, 0xFF, 0xFF] + bytes(3_000), [99, 3, 1, 0, 1, 0], [22, 3, 1, 0, 0, 22, 3, 1, 0, 0],
            [23, 3, 3, 0, 4, 1, 2, 3, 4], [20, 3, 3, 0, 1, 1, 20, 3, 3, 0, 1, 1], [21, 3, 3, 0, 2, 2, 40],
            // Hellos: longer than any, cut short, of an old version, of SSL 2.
            [22, 3, 1, 0, 8, 1, 0xFF, 0xFF, 0xFF, 3, 3, 0, 0], [22, 3, 1, 0, 4, 1, 0, 0, 0],
            [22, 3, 0, 0, 45, 1, 0, 0, 41, 3, 0] + bytes(32) + [0, 0, 2, 0, 47, 1, 0],
            [0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16] + bytes(37), Array("SSH-2.0-OpenSSH_9.2\r\n".utf8),
            bytes(1), bytes(20_000),
        ] + (0..<40).map { _ in bytes(Int.random(in: 1...600, using: &random)) }
    }()

    @Test func whatIsNoHandshakeEndsQuietly() async throws {
        let lines = Locked<[LogLine]>([])
        let log = Log(label: "t", level: .debug, sink: KeptLines(lines))
        for bytes in Self.noise {
            try await self.run(
                try TestTransport.serverContext.get(),
                log: log,
                shakesHands: false,
                [
                    { world in
                        world.near.arrive(bytes)
                    },
                    { try $0.end(sayingSo: false) },
                    { world in
                        #expect(world.handler.received.isEmpty && world.handler.closed.count == 1, "\(bytes)")
                        // Nothing, or an alert.
                        let alert: [UInt8] = world.sent.isEmpty ? [] : [21, 3]
                        #expect(world.sent.count <= 7 && world.sent.starts(with: alert), "\(bytes) \(world.sent)")
                    },
                ]
            )
        }
        #expect(
            lines.withLock { $0.count } > Self.noise.count / 2
                && lines.withLock { $0.allSatisfy { $0.level == .debug } }
        )
    }

    @Test func whatIsNoRecordEndsTheSession() async throws {
        let lines = Locked<[LogLine]>([])
        let log = Log(label: "t", level: .debug, sink: KeptLines(lines))
        for version in [TLSPeer.Version.tls12, .tls13] {
            for bytes in [[23, 3, 3, 0x48, 1], [23, 3, 3, 0, 0], Array("GET / HTTP/1.1\r\n\r\n".utf8)] + Self.noise {
                try await self.run(
                    try TestTransport.serverContext.get(),
                    log: log,
                    peer: { TLSPeer(version) },
                    [
                        { world in
                            world.peer.write([1])
                            world.near.arrive(world.peer.takeOutgoing() + bytes)
                        },
                        { if !$0.near.isClosed { try $0.end(sayingSo: false) } },
                        { world in
                            #expect(world.handler.received == [1], "\(bytes)")
                            #expect(world.handler.closed.count + world.handler.halfClosed == 1, "\(bytes)")
                        },
                    ]
                )
            }
        }
        #expect(lines.withLock { $0.allSatisfy { $0.level == .debug } })
    }
}

/// Keeps the lines of a log.
struct KeptLines: LogSink {
    private let lines: Locked<[LogLine]>
    init(_ lines: Locked<[LogLine]>) { self.lines = lines }
    func write(_ line: LogLine) { self.lines.withLock { $0.append(line) } }
}
