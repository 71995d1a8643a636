internal import TimingleNet

/// The hands of the pool machine: one loop's connections to one node.
///
/// Loop-confined.
final class NodePool {
    /// One connection and what it lacks.
    private final class Member {
        let connection: CQLConnection
        /// The keyspace was not there when the connection came up.
        var needsKeyspace = false
        init(_ connection: CQLConnection) { self.connection = connection }
    }

    let address: SocketAddress
    private let loop: EventLoop
    private let configuration: CQLConfiguration
    private let settings: CQLConnectionSettings
    private let log: Log
    private let journal: NodeJournal
    private let changed: (NodePool) -> Void
    private var machine: NodePoolStateMachine
    /// By the machine's numbers; those that are not ready yet as well.
    private var members: [Int: Member] = [:]
    /// Those that take requests, by shard.
    private var ready: [Member?] = []
    /// How many of them lack their keyspace.
    private var lackingCount = 0
    private var shards: ShardMap?
    private var turn: Int
    private var timer: TimerToken?
    private var suspectUntil: MonotonicInstant?
    private(set) var lastFailure: CQLError?

    init(
        loop: EventLoop,
        address: SocketAddress,
        configuration: CQLConfiguration,
        log: Log,
        journal: NodeJournal,
        changed: @escaping (NodePool) -> Void
    ) {
        self.loop = loop
        self.address = address
        self.configuration = configuration
        self.settings = configuration.connectionSettings
        self.log = log
        self.journal = journal
        self.changed = changed
        self.turn = Int.random(in: 0..<1 << 20)
        self.machine = NodePoolStateMachine(backoff: configuration.reconnectBackoff)
    }

    var node: String { self.address.description }
    var openCount: Int { self.machine.openCount }

    func start() { self.run(self.machine.start()) }

    /// The cluster says that the node is up.
    func reportedUp() {
        self.suspectUntil = nil
        self.run(self.machine.reportedUp())
    }

    /// Ends, but for what is under way.
    func retire() {
        for member in self.members.values { member.connection.drain() }
        self.members = [:]
        self.close()
    }

    func close() {
        if !self.machine.isClosed { self.journal.ended(self.address, hadConnection: self.openCount > 0) }
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = nil
        self.run(self.machine.close())
    }

    // MARK: For requests

    /// Whether the node can be asked now; full connections count as there.
    var standing: RoutingPolicy.Standing {
        guard self.openCount > 0 else { return .down }
        guard let suspectUntil = self.suspectUntil else { return .ready }
        return self.loop.now < suspectUntil ? .suspect : .ready
    }

    /// True when nobody should wait for this node: it failed several times in a row, and the next attempt is not due.
    var isRefusing: Bool { self.openCount == 0 && self.machine.failures >= self.configuration.failuresBeforeRefusing }

    /// A connection that takes one more request: the shard's own if it can, else the one with the least to do.
    func connection(for token: CQLToken?) -> CQLConnection? {
        if let token, let shards = self.shards {
            let shard = shards.shard(of: token)
            if shard < self.ready.count, let member = self.ready[shard], self.hasRoom(member.connection) {
                return member.connection
            }
        }
        if self.ready.count == 1 {
            guard let member = self.ready[0], self.hasRoom(member.connection) else { return nil }
            return member.connection
        }
        var best: CQLConnection?
        for case let member? in self.ready where self.hasRoom(member.connection) {
            if best.map({ member.connection.inFlightCount < $0.inFlightCount }) ?? true { best = member.connection }
        }
        return best
    }

    private func hasRoom(_ connection: CQLConnection) -> Bool {
        connection.isReady && connection.inFlightCount < self.configuration.inFlightMax && connection.hasFreeStream
    }

    /// An answer came: the node is well.
    func answered() {
        if self.suspectUntil != nil { self.suspectUntil = nil }
    }

    /// An answer did not come in time.
    func timedOut() { self.suspectUntil = self.loop.now + self.configuration.suspectTime }

    // MARK: The keyspace

    /// True where the keyspace must be named before this connection can be used.
    func needsKeyspace(_ connection: CQLConnection) -> Bool {
        guard self.lackingCount > 0 else { return false }
        return self.ready.contains { $0?.connection === connection && $0?.needsKeyspace == true }
    }

    /// Names the keyspace to the server; an error of the server means that it is not there yet.
    func useKeyspace(_ connection: CQLConnection, _ completion: @escaping (CQLError?) -> Void) {
        guard let keyspace = self.configuration.keyspace else { return completion(nil) }
        let text =
            "USE \"\(keyspace.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
        let query = QueryRequest(text, CQLQueryParameters(consistency: .one))
        do throws(CQLCodingError) {
            let request = try CQLRequest.query(query).encode()
            connection.send(request, deadline: self.loop.now + self.configuration.connectTimeout) { result in
                switch result {
                case .failure(let error): completion(error)
                case .success(let response):
                    guard case .error(let error) = response.content else {
                        for member in self.members.values where member.connection === connection {
                            member.needsKeyspace = false
                        }
                        self.listReady()
                        return completion(nil)
                    }
                    completion(CQLError(error, node: self.node))
                }
            }
        } catch {
            completion(CQLError(.encoding, error.description, node: self.node))
        }
    }

    // MARK: Hands

    private func run(_ actions: [NodePoolStateMachine.Action]) {
        for action in actions {
            switch action {
            case .connect(let id, let slot): self.connect(id, slot: slot)
            case .close(let id): self.members.removeValue(forKey: id)?.connection.close()
            case .wait(let until): self.armTimer(at: until)
            }
        }
        self.listReady()
    }

    private func armTimer(at instant: MonotonicInstant) {
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = self.loop.schedule(at: instant) { [weak self] in
            guard let self else { return }
            self.timer = nil
            self.run(self.machine.deadlineReached(now: self.loop.now))
            // Whoever counts failures sees that an attempt is under way.
            self.changed(self)
        }
    }

    /// Connects to the shard of `slot`, where that is known to be possible.
    private func connect(_ id: Int, slot: Int) {
        var address = self.address
        var sourcePort: UInt16?
        if let shards = self.shards {
            let port = self.settings.tls == nil ? shards.shardAwarePort : shards.shardAwarePortTLS
            if let port {
                self.turn &+= 1
                address = address.at(port: port)
                sourcePort = shards.sourcePort(for: slot, turn: self.turn & Int.max)
            }
        }
        let connection = CQLConnection(
            loop: self.loop,
            address: address,
            sourcePort: sourcePort,
            settings: self.settings,
            log: self.log
        )
        let member = Member(connection)
        self.members[id] = member
        connection.open { [weak self] result in
            guard let self, self.members[id] === member else { return connection.close() }
            switch result {
            case .failure(let error): self.ended(id, error)
            case .success: self.opened(id, member)
            }
        }
    }

    private func opened(_ id: Int, _ member: Member) {
        member.connection.onClose = { [weak self] error in self?.ended(id, error) }
        self.useKeyspace(member.connection) { [weak self] error in
            guard let self, self.members[id] === member, !member.connection.isClosed else { return }
            if let error {
                guard error.code == .invalid || error.code == .unauthorized else {
                    member.connection.close()
                    return self.ended(id, error)
                }
                member.needsKeyspace = true
            }
            self.becameReady(id, member)
        }
    }

    private func becameReady(_ id: Int, _ member: Member) {
        let hadConnection = self.openCount > 0
        self.lastFailure = nil
        self.suspectUntil = nil
        self.shards = ShardMap(supported: member.connection.supported)
        let count: Int
        let shard: Int
        if let shards = self.shards, shards.shardCount <= self.configuration.connectionsPerNodeMax {
            (shard, count) = (shards.shard, shards.shardCount)
        } else {
            // Without shards, or with too many: whatever slot it was meant for.
            self.shards = nil
            count = min(self.configuration.connectionsPerNode, self.configuration.connectionsPerNodeMax)
            shard = self.machine.slot(of: id) ?? 0
        }
        let jitter = Double.random(in: 0..<1)
        self.run(
            self.machine.opened(id, shard: shard, shardCount: max(1, count), now: self.loop.now, jitter: jitter)
        )
        if !hadConnection, self.openCount > 0 { self.journal.connected(self.address) }
        self.changed(self)
    }

    private func ended(_ id: Int, _ error: CQLError) {
        // Those that we closed ourselves were taken out before.
        guard self.members.removeValue(forKey: id) != nil else { return }
        self.lastFailure = error
        let hadConnection = self.openCount > 0
        // A node that forgot its shards (another server, another port) is asked anew.
        if !hadConnection { self.shards = nil }
        self.run(self.machine.ended(id, now: self.loop.now, jitter: Double.random(in: 0..<1)))
        self.journal.failed(self.address, error, wasLast: hadConnection && self.openCount == 0)
        self.changed(self)
    }

    private func listReady() {
        self.ready = self.machine.slots.map { slot in
            if case .open(let id) = slot { self.members[id] } else { nil }
        }
        self.lackingCount = self.ready.count { $0?.needsKeyspace == true }
    }
}
