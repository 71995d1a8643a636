/// The listening socket on its loop: accepts and hands each connection to the loop that has the fewest.
///
/// Loop-confined. One accepting loop, not SO_REUSEPORT: the kernel would spread by a hash of addresses, which with
/// two loops and a few hundred long-lived sockets is far from even, and a socket that closes would reset what waits
/// in its queue. An accept costs microseconds; a WebSocket lives for hours.
final class Acceptor: ReadinessHandler {
    private static let acceptsPerTurn = 64
    /// Beyond what waits in the kernel's queue.
    private static let acceptsAtClose = 4_096
    private static let pauseMax: Duration = .seconds(1)
    private static let tellFullInterval: Duration = .seconds(10)

    private let loop: EventLoop
    private let targets: [ShardReference]
    private let configuration: HTTPServerConfiguration
    private let census: ConnectionCensus?
    private let door: AcceptorDoor
    private var socket: Socket?
    private var registration: RegistrationID?
    private var backoff: AcceptBackoffStateMachine = .accepting(failures: 0)
    private var isFull = false
    /// When the log was last told that there is no room; under a flood that happens at each connection's end.
    private var toldFull: MonotonicInstant?
    private var nextTarget = 0

    init(
        socket: consuming Socket,
        loop: EventLoop,
        targets: [ShardReference],
        configuration: HTTPServerConfiguration,
        census: ConnectionCensus?,
        door: AcceptorDoor
    ) {
        self.socket = consume socket
        self.loop = loop
        self.targets = targets
        self.configuration = configuration
        self.census = census
        self.door = door
    }

    func open() throws(SystemError) {
        guard let fd = self.socket?.fd else { preconditionFailure("opened after close") }
        self.registration = try self.loop.register(fd, interest: .read, handler: self)
    }

    func descriptorReady(_ readiness: Readiness) { self.acceptWaiting(atMost: Self.acceptsPerTurn) }

    /// A connection ended somewhere.
    func roomCame() {
        guard self.isFull else { return }
        guard self.hasRoom else { return self.waitForRoom() }
        self.isFull = false
        self.updateInterest()
    }

    /// Takes what the kernel has completed already, then closes the listening socket.
    func close() {
        guard self.socket != nil else { return }
        if !self.backoff.isPaused, !self.isFull { self.acceptWaiting(atMost: Self.acceptsAtClose) }
        if let registration = self.registration {
            self.registration = nil
            // The descriptor is open and registered, so epoll has no reason to refuse.
            try? self.loop.deregister(registration)
        }
        if let address = try? self.socket?.localAddress() { UnixSocketFile.remove(address) }
        self.socket = nil
        self.door.shut()
    }

    private var connectionsMax: Int { self.configuration.limits.connections }
    private var log: Log { self.configuration.log }

    private func waitForRoom() {
        self.door.waitForRoom()
        // An end between the count and the flag told nobody.
        if self.hasRoom { self.door.connectionEnded() }
    }

    /// Room for a refusal at least: who comes while all places are taken is told so and need not wait for one.
    private var hasRoom: Bool { self.connections < self.connectionsMax + self.refusalsMax }

    private var connections: Int { self.targets.reduce(0) { $0 + $1.load.connections } }

    /// Beyond the limit some are still taken, to be told 503; then the kernel's queue holds the rest back.
    private var refusalsMax: Int { Listener.refusalsMax(connectionsMax: self.connectionsMax) }

    private func acceptWaiting(atMost count: Int) {
        for _ in 0..<count {
            let connections = self.connections
            guard self.hasRoom else {
                self.isFull = true
                self.tellFull(connections)
                self.updateInterest()
                return self.waitForRoom()
            }
            guard self.acceptOne(overloaded: connections >= self.connectionsMax) else { return }
        }
    }

    private func tellFull(_ connections: Int) {
        let now = self.loop.now
        if let told = self.toldFull, now < told + Self.tellFullInterval { return }
        self.toldFull = now
        self.log.warning("connection limit reached", ["connections": LogValue(connections)])
    }

    private func acceptOne(overloaded: Bool) -> Bool {
        do throws(SystemError) {
            guard let result = try self.socket?.accept() else { return false }
            switch consume result {
            case .wouldBlock:
                return false
            case .lost:
                return true
            case .accepted(let socket, let peer):
                self.backoff.accepted()
                self.handOver(socket, peer, overloaded)
                return true
            }
        } catch {
            // Out of descriptors or memory: level-triggered readiness would spin, so it is turned off for a while.
            let until = self.backoff.descriptorsExhausted(now: self.loop.now, pauseMax: Self.pauseMax)
            self.log.warning("accept failed", ["error": .text(error.description)])
            self.updateInterest()
            self.loop.schedule(at: until) { self.backoffEnded() }
            return false
        }
    }

    private func backoffEnded() {
        switch self.backoff.deadlineReached(now: self.loop.now) {
        case .resumeAccepting: self.updateInterest()
        case .waitLonger(let until): self.loop.schedule(at: until) { self.backoffEnded() }
        case .nothing: break
        }
    }

    private func handOver(_ socket: consuming Socket, _ peer: SocketAddress, _ overloaded: Bool) {
        guard let admission = self.admission(of: peer, overloaded: overloaded) else { return }
        let target = self.leastLoaded()
        target.load.add()
        let shard = target.shard
        if shard.loop === self.loop {
            return shard.value.adopt(socket, peer: peer, admission)
        }
        let fd = socket.release()
        shard.loop.execute { shard.value.adopt(Socket(owning: fd), peer: peer, admission) }
    }

    /// What a new connection is taken over as; nil for one that is closed without a word.
    private func admission(of peer: SocketAddress, overloaded: Bool) -> ConnectionAdmission? {
        // Whose connection it is, only the header will tell.
        if self.configuration.proxyProtocolPeers.contains(where: { $0.contains(peer) }) {
            return .proxied(overloaded: overloaded)
        }
        return ConnectionAdmission(of: peer, overloaded: overloaded, self.census)
    }

    /// The target with the fewest connections, in turn among equals.
    private func leastLoaded() -> ShardReference {
        self.nextTarget = (self.nextTarget + 1) % self.targets.count
        var best = self.targets[self.nextTarget]
        for offset in 1..<max(self.targets.count, 1) {
            let other = self.targets[(self.nextTarget + offset) % self.targets.count]
            if other.load.connections < best.load.connections { best = other }
        }
        return best
    }

    private func updateInterest() {
        guard let registration = self.registration else { return }
        let wanted: Interest = self.isFull || self.backoff.isPaused ? [] : .read
        do throws(SystemError) {
            try self.loop.setInterest(wanted, of: registration)
        } catch {
            self.log.error("listener lost", ["error": .text(error.description)])
        }
    }
}
