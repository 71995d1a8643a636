import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Our client and our server over a pipe in memory, both ends on one loop.
///
/// Loop-confined.
final class TLSWorld {
    let loop: EventLoop
    let clientPipe: PipeSocket
    let serverPipe: PipeSocket
    let clientTLS: TLSStream
    let serverTLS: TLSStream
    let client: StreamConnection
    let server: StreamConnection
    let clientHandler = RecordingHandler()
    let serverHandler = RecordingHandler()

    init(
        _ loop: EventLoop,
        client: TLSContext,
        server: TLSContext,
        name: String,
        limits: TLSLimits,
        streamLimits: StreamLimits
    ) {
        self.loop = loop
        (self.clientPipe, self.serverPipe) = PipeSocket.pair()
        self.clientTLS = TLSStream(self.clientPipe, context: client, serverName: name, limits: limits)
        self.serverTLS = TLSStream(self.serverPipe, context: server, limits: limits)
        func connection(_ io: TLSStream, _ handler: RecordingHandler) -> StreamConnection {
            StreamConnection(
                io: io,
                loop: loop,
                peerAddress: .unspecified,
                limits: Shared(streamLimits),
                handler: handler
            )
        }
        self.server = connection(self.serverTLS, self.serverHandler)
        self.client = connection(self.clientTLS, self.clientHandler)
    }

    func open() {
        #expect(throws: Never.self) { try self.server.open() }
        #expect(throws: Never.self) { try self.client.open() }
    }

    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    var isOver: Bool { !self.serverHandler.closed.isEmpty && !self.clientHandler.closed.isEmpty }
}

/// Runs a `TLSWorld` from outside its loop.
final class TLSWorldDriver: Sendable {
    let world: LoopBound<TLSWorld>
    init(_ world: LoopBound<TLSWorld>) { self.world = world }

    /// Runs turns until `claim` is true; false when nothing brings it about.
    func until(_ claim: @escaping @Sendable (TLSWorld) -> Bool) async throws -> Bool {
        for _ in 0..<200_000 {
            let isTrue = try await self.world.loop.enter {
                let world = self.world.value
                if claim(world) { return true }
                _ = world.clientPipe.turn()
                _ = world.serverPipe.turn()
                return claim(world)
            }
            if isTrue { return true }
            // What is due at a turn's end, or by a timer without delay.
            await Task.yield()
        }
        return false
    }

    @discardableResult
    func run<Result: Sendable>(_ body: @escaping @Sendable (TLSWorld) -> Result) async throws -> Result {
        try await self.world.loop.enter { body(self.world.value) }
    }
}

/// Opens both ends, runs `body`, and ends them.
func withTLSWorld(
    client: TLSContext? = nil,
    server: TLSContext? = nil,
    name: String = "localhost",
    limits: TLSLimits = TLSLimits(),
    streamLimits: StreamLimits = StreamLimits(),
    _ prepare: @escaping @Sendable (TLSWorld) -> Void = { _ in },
    _ body: @escaping @Sendable (TLSWorldDriver) async throws -> Void
) async throws {
    let client = try client ?? TestTransport.clientContext.get()
    let server = try server ?? TestTransport.serverContext.get()
    try await withEventLoopGroup(count: 1) { group in
        let loop = group.loops[0]
        let bound = try await loop.enter {
            let world = TLSWorld(
                loop,
                client: client,
                server: server,
                name: name,
                limits: limits,
                streamLimits: streamLimits
            )
            prepare(world)
            world.open()
            return LoopBound(world, on: loop)
        }
        let driver = TLSWorldDriver(bound)
        try await body(driver)
        try await driver.run { world in
            world.client.abort()
            world.server.abort()
        }
        try await loop.enter {}
    }
}
