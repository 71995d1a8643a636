internal import TimingleNet

/// One loop's half of the client: its pools, its prepared statements, and who waits.
///
/// Loop-confined.
final class CQLShard {
    /// What is known of the cluster.
    private enum Knowledge {
        /// Nobody has answered yet.
        case none
        /// Every node that we know of was asked in vain.
        case unreachable(CQLError)
        case known
    }

    /// Where a request may go.
    enum Placement {
        case connection(CQLConnection, NodePool, node: Int)
        /// Nodes are there, or may be soon, but none takes a request now.
        case wait
        /// All that may be asked were.
        case exhausted
        case refuse(CQLError)
    }

    let loop: EventLoop
    let configuration: CQLConfiguration
    let prepared: PreparedStatementCache
    let retryPolicy: RetryPolicy
    private let log: Log
    private let journal: NodeJournal
    private var knowledge: Knowledge = .none
    // Shared with CQLShard+SchemaAgreement.swift: the next one and the pools.
    private(set) var isClosed = false
    private var topology = ClusterTopology(nodes: [], localDataCenter: nil, keyspaces: [:])
    private var replicas: ReplicaCache
    /// By place in the topology; nil for nodes that are not to be asked.
    private(set) var pools: [NodePool?] = []
    private var policy: RoutingPolicy
    private var turn = 0
    /// In the order of arrival.
    private var waiters: [CQLExecution] = []
    private var isPumping = false
    /// All that are under way, so that an end reaches them.
    private var executions: [ObjectIdentifier: CQLExecution] = [:]

    init(loop: EventLoop, configuration: CQLConfiguration, log: Log, journal: NodeJournal) {
        self.loop = loop
        self.configuration = configuration
        self.log = log
        self.journal = journal
        self.prepared = PreparedStatementCache(limit: configuration.preparedStatementsMax)
        self.retryPolicy = RetryPolicy(attemptsMax: configuration.attemptsMax)
        self.replicas = ReplicaCache(self.topology)
        self.policy = RoutingPolicy(nodeCount: 0, usesRemoteNodes: configuration.usesRemoteDataCenters)
        self.turn = loop.index
    }

    var openConnectionCount: Int { self.pools.reduce(0) { $0 + ($1?.openCount ?? 0) } }
    var waiterCount: Int { self.waiters.count }

    // MARK: What the control connection says

    func heard(_ news: ClusterNews) {
        switch news {
        case .learned(let topology): self.learned(topology)
        case .couldNotLearn(let error): self.couldNotLearn(error)
        case .reportedUp(let address): self.reportedUp(address)
        }
    }

    private func learned(_ topology: ClusterTopology) {
        guard !self.isClosed else { return }
        self.knowledge = .known
        defer { self.pump() }
        guard !topology.hasSamePlaces(as: self.topology) else { return }
        var former: [SocketAddress: NodePool] = [:]
        for pool in self.pools { if let pool { former[pool.address] = pool } }
        self.topology = topology
        self.replicas = ReplicaCache(topology)
        self.policy.nodeCount = topology.nodes.count
        var fresh: [NodePool] = []
        self.pools = topology.nodes.indices.map { index in
            guard topology.isLocal(index) || self.configuration.usesRemoteDataCenters else { return nil }
            let address = topology.nodes[index].address
            if let pool = former.removeValue(forKey: address) { return pool }
            let pool = NodePool(
                loop: self.loop,
                address: address,
                configuration: self.configuration,
                log: self.log,
                journal: self.journal
            ) { [weak self] _ in self?.pump() }
            fresh.append(pool)
            return pool
        }
        for pool in fresh { pool.start() }
        // What was asked of a node that is gone may still be answered.
        for pool in former.values { pool.retire() }
        // What was asked before may stand at another place now.
        for execution in self.executions.values { execution.topologyChanged() }
    }

    private func couldNotLearn(_ error: CQLError) {
        guard !self.isClosed else { return }
        if case .known = self.knowledge { return }
        self.knowledge = .unreachable(error)
        self.pump()
    }

    private func reportedUp(_ address: SocketAddress) {
        for pool in self.pools where pool?.address == address { pool?.reportedUp() }
    }

    // MARK: Requests

    func execute(_ execution: CQLExecution) {
        guard !self.isClosed else { return execution.refuse(CQLError(.closed, "the client is closed")) }
        self.executions[ObjectIdentifier(execution)] = execution
        execution.start()
    }

    func ended(_ execution: CQLExecution) {
        self.executions[ObjectIdentifier(execution)] = nil
        if !self.waiters.isEmpty { self.pump() }
    }

    func nextTurn() -> Int {
        self.turn = (self.turn &+ 1) & Int.max
        return self.turn
    }

    func replicas(of token: CQLToken, keyspace: String) -> [Int] {
        self.replicas.replicas(of: token, keyspace: keyspace)
    }

    /// Finds a connection for a request.
    func place(_ request: RoutingPolicy.Request, token: CQLToken?) -> Placement {
        switch self.knowledge {
        case .none: return .wait
        case .unreachable(let error): return .refuse(error)
        case .known: break
        }
        var request = request
        var isFull = false
        while let node = self.policy.next(
            request,
            isLocal: { self.topology.isLocal($0) },
            standing: { self.pools[$0]?.standing ?? .down }
        ) {
            if let pool = self.pools[node], let connection = pool.connection(for: token) {
                return .connection(connection, pool, node: node)
            }
            isFull = true
            request.tried.append(node)
        }
        if isFull { return .wait }
        if !request.tried.isEmpty, self.pools.contains(where: { $0.map { $0.standing != .down } ?? false }) {
            return .exhausted
        }
        return self.whyNobody()
    }

    /// No node can be asked: tells whether it is worth to wait.
    private func whyNobody() -> Placement {
        let candidates = self.pools.compactMap { $0 }
        guard !candidates.isEmpty else {
            return .refuse(CQLError(.notConnected, "no node in the data centre \(self.topology.localDataCenter ?? "")"))
        }
        guard candidates.allSatisfy(\.isRefusing) else { return .wait }
        let failure = candidates.lazy.compactMap(\.lastFailure).first
        // What an operator has to mend keeps its name.
        let code = failure.map(\.code).flatMap { [.authentication, .tls].contains($0) ? $0 : nil }
        return .refuse(
            CQLError(
                code ?? .notConnected,
                "no node can be reached",
                node: failure?.node,
                underlying: failure.map { "\($0.message)\($0.underlying.map { ", \($0)" } ?? "")" }
            )
        )
    }

    // MARK: Waiting

    /// False when there are too many already.
    func wait(_ execution: CQLExecution) -> Bool {
        guard self.waiters.count < self.configuration.maxWaiters else { return false }
        self.waiters.append(execution)
        return true
    }

    func stopWaiting(_ execution: CQLExecution) {
        self.waiters.removeAll { $0 === execution }
    }

    /// Lets those who wait go on, first come, first served, until one has to wait again.
    func pump() {
        guard !self.isPumping else { return }
        self.isPumping = true
        defer { self.isPumping = false }
        var served = 0
        while served < self.waiters.count, self.waiters[served].resume() { served += 1 }
        self.waiters.removeFirst(min(served, self.waiters.count))
    }

    // MARK: End

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        for execution in Array(self.executions.values) {
            execution.abandon(.closed, "the client is closing")
        }
        for pool in self.pools { pool?.close() }
        self.pools = []
    }
}
