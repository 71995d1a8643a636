/// Why a listener could not be bound.
package enum ListenerError: Error, Sendable, CustomStringConvertible {
    case badAddress(String)
    case system(SystemError)

    package var description: String {
        switch self {
        case .badAddress(let text): "not an address: \(text)"
        case .system(let error): error.description
        }
    }
}

/// A bound and listening HTTP server over all loops of a group.
///
/// Any thread. Its end is `close`, which must come before the group's.
package final class Listener: Sendable {
    /// The address as bound, with the port that the kernel chose.
    package let address: SocketAddress
    /// How long a drain leaves idle connections open, at most.
    private static let idleGrace: Duration = .milliseconds(100)

    private let acceptor: LoopBound<Acceptor>
    private let directory: ShardDirectory
    private let parts: [ShardReference]

    private init(
        address: SocketAddress,
        acceptor: LoopBound<Acceptor>,
        directory: ShardDirectory,
        parts: [ShardReference]
    ) {
        self.address = address
        self.acceptor = acceptor
        self.directory = directory
        self.parts = parts
    }

    package var port: UInt16 { self.address.port ?? 0 }

    /// How many connections beyond the limit are taken at once, to be refused.
    package static func refusalsMax(connectionsMax: Int) -> Int { max(16, min(connectionsMax / 16, 512)) }

    /// Connections over all loops.
    package var connectionCount: Int { self.parts.reduce(0) { $0 + $1.load.connections } }

    /// Binds and begins to accept.
    package static func bind(
        _ configuration: HTTPServerConfiguration,
        group: EventLoopGroup
    ) async throws -> Listener {
        guard let wanted = SocketAddress(parsing: configuration.address, port: configuration.port) else {
            throw ListenerError.badAddress(configuration.address)
        }
        let fd: CInt
        let address: SocketAddress
        do throws(SystemError) {
            UnixSocketFile.removeIfStale(wanted)
            let socket = try Socket.listening(on: wanted)
            // Accepted sockets inherit it (tcp(7)), which saves each of them the call. The outbox gathers.
            if wanted.port != nil { try socket.disableNagle() }
            address = try socket.localAddress()
            fd = socket.release()
        } catch {
            throw ListenerError.system(error)
        }
        let acceptLoop = group.nextLoop()
        let door = AcceptorDoor()
        let directory = ShardDirectory()
        let census = ConnectionCensus(
            connectionsMax: configuration.limits.connectionsPerNetwork,
            exempt: configuration.uncountedPeers,
            log: configuration.log
        )
        var parts: [ShardReference] = []
        for loop in group.loops {
            let load = ShardLoad()
            let shard = HTTPServerShard(
                loop: loop,
                configuration: configuration,
                load: load,
                census: census,
                directory: directory
            ) { door.connectionEnded() }
            parts.append(ShardReference(shard: LoopBound(shard, on: loop), load: load))
        }
        directory.fill(parts)
        let acceptor = Acceptor(
            socket: Socket(owning: fd),
            loop: acceptLoop,
            targets: parts,
            configuration: configuration,
            census: census,
            door: door
        )
        let bound = LoopBound(acceptor, on: acceptLoop)
        door.open(bound)
        let listener = Listener(
            address: address,
            acceptor: bound,
            directory: directory,
            parts: parts
        )
        try await acceptLoop.enter { try bound.value.open() }
        return listener
    }

    /// Closes the listening socket; connections go on, each on its loop.
    package func stopAccepting() async {
        self.directory.clear()
        await Self.run(self.acceptor) { $0.close() }
    }

    /// Stops accepting, lets what runs finish, and returns when nothing is left or at the deadline.
    ///
    /// Connections that are idle a tenth of a second later close; the answer to a request says `Connection: close`;
    /// WebSockets are closed with 1012, one after the other over `window` (at most half of the time that there is), and
    /// waited for. True when nothing was left.
    @discardableResult
    package func drain(deadline: Duration, closingOver window: Duration = .zero) async -> Bool {
        await self.stopAccepting()
        let window = min(window, deadline / 2)
        let grace = min(Self.idleGrace, deadline / 4)
        for part in self.parts { await Self.run(part.shard) { $0.drain(closingOver: window, grace: grace) } }
        return await self.waitUntilIdle(deadline: deadline)
    }

    /// Stops accepting, ends every connection, cancels what runs and waits for it.
    ///
    /// A handler that ignores its cancellation is waited for up to ten seconds: the loops must outlive its task.
    package func close() async {
        await self.stopAccepting()
        for part in self.parts { await Self.run(part.shard) { $0.abortAll() } }
        await self.waitUntilIdle(deadline: .seconds(10))
    }

    @discardableResult
    private func waitUntilIdle(deadline: Duration) async -> Bool {
        let end = MonotonicInstant.now + deadline
        var isIdle = true
        for shard in self.parts.map(\.shard) {
            let idle = await withCheckedContinuation { continuation in
                shard.loop.execute {
                    let left = max(.zero, MonotonicInstant.now.duration(to: end))
                    shard.value.whenIdle(deadline: left) { continuation.resume(returning: $0) }
                }
            }
            isIdle = isIdle && idle
        }
        return isIdle
    }

    private static func run<Value>(_ bound: LoopBound<Value>, _ body: @escaping @Sendable (Value) -> Void) async {
        await withCheckedContinuation { continuation in
            bound.loop.execute {
                body(bound.value)
                continuation.resume()
            }
        }
    }
}
