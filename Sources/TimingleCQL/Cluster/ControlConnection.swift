internal import TimingleNet

/// Learns from one node what the cluster is, and hears from it when that changes.
///
/// Loop-confined. When its node is lost it goes to another one; when none is left it begins again with the names that
/// it was given, after a pause. `tell` is called on the loop.
final class ControlConnection {
    typealias Rows = (Result<CQLResult, CQLError>) -> Void

    private let loop: EventLoop
    private let settings: ControlConnectionSettings
    private let log: Log
    private let journal: NodeJournal
    private let tell: (ClusterNews) -> Void
    private var machine: ControlConnectionStateMachine
    private var connection: CQLConnection?
    /// Told by the tables; empty before.
    private var known: [SocketAddress] = []
    /// Fixed by the first node that answered, or by the settings.
    private var localDataCenter: String?
    /// False once a node said that it has no `system.peers_v2`.
    private var hasPeersV2 = true
    private var pause: TimerToken?
    private var refreshTimer: TimerToken?
    private var lastFailure = CQLError(.notConnected, "not connected yet")

    init(
        loop: EventLoop,
        settings: ControlConnectionSettings,
        log: Log,
        journal: NodeJournal,
        tell: @escaping (ClusterNews) -> Void
    ) {
        self.loop = loop
        self.settings = settings
        self.log = log
        self.journal = journal
        self.tell = tell
        self.localDataCenter = settings.localDataCenter
        self.machine = ControlConnectionStateMachine(backoff: settings.backoff)
    }

    func start() { self.run(self.machine.start()) }

    func close() { self.run(self.machine.close()) }

    private func run(_ action: ControlConnectionStateMachine.Action) {
        switch action {
        case .nothing: break
        case .findCandidates: self.findCandidates()
        case .connect(let address): self.connect(address)
        case .readTables: self.readTables()
        case .pause(let duration):
            self.journal.nobodyAnswered(self.lastFailure)
            self.tell(.couldNotLearn(self.lastFailure))
            self.pause = self.loop.schedule(after: duration) { [weak self] in
                guard let self else { return }
                self.pause = nil
                self.run(self.machine.pauseEnded())
            }
        case .end:
            for timer in [self.pause, self.refreshTimer] { if let timer { self.loop.cancel(timer) } }
            self.pause = nil
            self.refreshTimer = nil
            self.dropConnection()
        }
    }

    // MARK: Connecting

    /// Those that the tables named, in an order of chance, and then the addresses of the names that we were given.
    private func findCandidates() {
        let names = self.settings.hosts
        guard !names.isEmpty else {
            self.lastFailure = CQLError(.settings, "no host is named")
            return self.run(self.machine.candidatesFound([], jitter: Double.random(in: 0..<1)))
        }
        let known = self.known.shuffled()
        HostResolver.resolve(names, on: self.loop) { [weak self] addresses in
            guard let self else { return }
            if addresses.isEmpty, known.isEmpty {
                self.lastFailure = CQLError(.notConnected, "no host has an address", node: names[0].host)
            }
            let candidates = known + addresses.filter { !known.contains($0) }
            self.run(self.machine.candidatesFound(candidates, jitter: Double.random(in: 0..<1)))
        }
    }

    private func connect(_ address: SocketAddress) {
        let connection = CQLConnection(
            loop: self.loop,
            address: address,
            settings: self.settings.connection,
            log: self.log
        )
        self.connection = connection
        connection.open { [weak self] result in
            guard let self, self.connection === connection else { return connection.close() }
            switch result {
            case .failure(let error): self.lost(error)
            case .success:
                connection.onClose = { [weak self] error in
                    guard let self, self.connection === connection else { return }
                    self.lost(error)
                }
                connection.onEvent = { [weak self] event in self?.received(event) }
                self.register(connection)
            }
        }
    }

    private func register(_ connection: CQLConnection) {
        let request = CQLRequest.register(RegisterRequest(CQLEventType.allCases))
        self.send(request, on: connection) { [weak self] result in
            guard let self, self.connection === connection else { return }
            switch result {
            case .success: self.run(self.machine.connected())
            case .failure(let error): self.lost(error)
            }
        }
    }

    private func lost(_ error: CQLError) {
        self.lastFailure = error
        self.journal.controlEnded(self.connection?.address, error)
        self.dropConnection()
        self.run(self.machine.lost(jitter: Double.random(in: 0..<1)))
    }

    private func dropConnection() {
        let connection = self.connection
        self.connection = nil
        connection?.onClose = nil
        connection?.onEvent = nil
        connection?.close()
    }

    // MARK: Events

    private func received(_ event: CQLServerEvent) {
        switch event {
        case .status(.up, let address):
            self.tell(.reportedUp(address))
            self.armRefresh(after: self.settings.eventDebounce)
        case .topology, .status, .schema:
            self.armRefresh(after: self.settings.eventDebounce)
        case .unknown(let what):
            self.log.debug("cql event that nobody knows", ["event": .text(what)])
        }
    }

    /// The first event of several sets the time: a stream of them cannot put it off for ever.
    private func armRefresh(after duration: Duration) {
        let due = self.loop.now + duration
        if let timer = self.refreshTimer {
            guard self.refreshDue > due else { return }
            self.loop.cancel(timer)
        }
        self.refreshDue = due
        self.refreshTimer = self.loop.schedule(at: due) { [weak self] in
            guard let self else { return }
            self.refreshTimer = nil
            self.run(self.machine.refreshDue())
        }
    }

    private var refreshDue: MonotonicInstant = .now

    // MARK: Tables

    private func readTables() {
        guard let connection = self.connection else { return }
        let asked = connection.address
        self.query(ClusterTables.local, on: connection) { local in
            self.queryPeers(on: connection) { peers in
                self.query(ClusterTables.keyspaces, on: connection) { keyspaces in
                    guard self.connection === connection else { return }
                    do {
                        let tables = ClusterTables(
                            local: try local.get(),
                            peers: try peers.get(),
                            keyspaces: try keyspaces.get()
                        )
                        self.learned(
                            try tables.topology(
                                asked: asked,
                                localDataCenter: self.localDataCenter,
                                nodesMax: self.settings.nodesMax
                            )
                        )
                    } catch let error as CQLError {
                        self.lost(error)
                    } catch {
                        self.lost(CQLError(.decoding, "\(error)", node: asked.description))
                    }
                }
            }
        }
    }

    private func learned(_ topology: ClusterTopology) {
        self.localDataCenter = topology.localDataCenter
        self.known = topology.nodes.map(\.address)
        self.journal.learned()
        self.tell(.learned(topology))
        self.run(self.machine.tablesRead())
        self.armRefresh(after: self.settings.refreshInterval)
    }

    private func queryPeers(on connection: CQLConnection, _ completion: @escaping Rows) {
        guard self.hasPeersV2 else { return self.query(ClusterTables.peers, on: connection, completion) }
        self.query(ClusterTables.peersV2, on: connection) { result in
            guard case .failure(let error) = result, error.code == .invalid else { return completion(result) }
            self.hasPeersV2 = false
            self.query(ClusterTables.peers, on: connection, completion)
        }
    }

    private func query(_ text: String, on connection: CQLConnection, _ completion: @escaping Rows) {
        let request = CQLRequest.query(QueryRequest(text, CQLQueryParameters(consistency: .one)))
        self.send(request, on: connection) { result in
            completion(
                result.flatMap { response in
                    guard case .rows(let rows) = response.content else {
                        return .failure(
                            CQLError(.decoding, "no rows in the answer", node: connection.address.description)
                        )
                    }
                    return .success(rows)
                }
            )
        }
    }

    /// Errors of the server are failures here.
    private func send(
        _ request: CQLRequest,
        on connection: CQLConnection,
        _ completion: @escaping (Result<CQLResponse, CQLError>) -> Void
    ) {
        do throws(CQLCodingError) {
            let deadline = self.loop.now + self.settings.connection.connectTimeout
            connection.send(try request.encode(), deadline: deadline) { result in
                if case .success(let response) = result, case .error(let error) = response.content {
                    return completion(.failure(CQLError(error, node: connection.address.description)))
                }
                completion(result)
            }
        } catch {
            preconditionFailure("a constant request cannot be encoded: \(error)")
        }
    }
}
