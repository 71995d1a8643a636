internal import CPostgres
internal import Dispatch
internal import TimingleNet

/// One connection: the only owner of a `PGconn`, driven by readiness.
///
/// Loop-confined. Connects, prepares, sends and reads without blocking. libpq is in pipeline mode, so that BEGIN,
/// PREPARE and the statement go out in one round trip; operations run one after the other. Whatever leaves the
/// connection in doubt (a deadline, a broken socket, libpq out of step) closes it.
final class PostgresConnection: ReadinessHandler {
    private enum Phase: Equatable {
        case connecting
        case ready
        case closed
    }

    let id: Int
    let loop: EventLoop
    private let configuration: PostgresConfiguration
    private let log: Log
    private let notices: PostgresNoticeSink
    private let watch: PostgresSocketWatch
    /// Called once, from a later call on the loop than the initialiser's: nil when ready, else why it ended.
    private let stateChanged: (PostgresConnection, PostgresError?) -> Void

    private var phase = Phase.connecting
    private var handle: OpaquePointer?
    private var deadline: TimerToken?

    private var progress: PostgresProgress?
    private var queued: [PostgresOperation] = []
    private var cache: PostgresStatementCache
    /// Names of evicted statements that the server still holds.
    private var stale: [String] = []
    /// More than one, since an operation makes at most one stale and those inside transactions wait.
    private static let deallocationsPerOperation = 4

    init(
        id: Int,
        loop: EventLoop,
        configuration: PostgresConfiguration,
        log: Log,
        stateChanged: @escaping (PostgresConnection, PostgresError?) -> Void
    ) {
        self.id = id
        self.loop = loop
        self.configuration = configuration
        self.log = log
        self.notices = PostgresNoticeSink(log: log)
        self.watch = PostgresSocketWatch(loop: loop, log: log)
        self.stateChanged = stateChanged
        self.cache = PostgresStatementCache(capacity: configuration.preparedStatementsPerConnection)
    }

    deinit {
        // Only when the loop ended before the client was closed; nobody can be inside libpq then.
        if let handle = self.handle { PQfinish(handle) }
    }

    /// True when another caller may have it: nothing runs and no transaction is open.
    var isReusable: Bool {
        guard self.phase == .ready, self.progress == nil, self.queued.isEmpty, let handle = self.handle else {
            return false
        }
        return PQtransactionStatus(handle) == PQTRANS_IDLE
    }

    var isInTransaction: Bool {
        guard let handle = self.handle else { return false }
        return PQtransactionStatus(handle) == PQTRANS_INTRANS
    }

    var preparedStatementCount: Int { self.cache.count }

    // MARK: Connecting

    func connect() {
        self.loop.preconditionInLoop()
        self.deadline = self.loop.schedule(after: self.configuration.connectTimeout) { [weak self] in
            self?.close(PostgresError(.connectionFailed, "connecting took too long"))
        }
        let keywords = self.configuration.connectionKeywords
        let bound = LoopBound(self, on: self.loop)
        // getaddrinfo blocks and has no deadline of its own.
        DispatchQueue.global().async {
            let resolved = PostgresHostResolver.resolve(keywords)
            bound.loop.execute { bound.value.hostResolved(resolved) }
        }
    }

    private func hostResolved(_ keywords: [String: String]?) {
        guard self.phase == .connecting else { return }
        guard let keywords else {
            return self.close(PostgresError(.connectionFailed, "the host name is not known"))
        }
        self.handle = PostgresCalls.connectStart(keywords)
        guard let handle = self.handle else { return self.close(PostgresError(.connectionFailed, "out of memory")) }
        guard PQstatus(handle) != CONNECTION_BAD else { return self.close(self.connectError(handle)) }
        PostgresCalls.receiveNotices(handle, sink: self.notices)
        self.watchNewSocket(handle, interest: .write)
    }

    private func pollConnect(_ handle: OpaquePointer) {
        // The poll may close the socket and open another under the same number, so it is watched anew each time.
        self.watch.end()
        switch PQconnectPoll(handle) {
        case PGRES_POLLING_READING:
            self.watchNewSocket(handle, interest: .read)
        case PGRES_POLLING_WRITING:
            self.watchNewSocket(handle, interest: .write)
        case PGRES_POLLING_OK:
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
                return self.close(self.connectError(handle))
            }
            self.watchNewSocket(handle, interest: .read)
            guard self.phase == .connecting else { return }
            self.cancelDeadline()
            self.phase = .ready
            self.stateChanged(self, nil)
        default:
            self.close(self.connectError(handle))
        }
    }

    private func connectError(_ handle: OpaquePointer) -> PostgresError {
        PostgresError(.connectionFailed, PostgresResultReader.firstLine(PQerrorMessage(handle)))
    }

    private func watchNewSocket(_ handle: OpaquePointer, interest: Interest) {
        do {
            try self.watch.begin(PQsocket(handle), interest: interest, handler: self)
        } catch {
            self.close(error)
        }
    }

    private func want(_ interest: Interest) {
        do {
            try self.watch.want(interest)
        } catch {
            self.close(error)
        }
    }

    func descriptorReady(_ readiness: Readiness) {
        guard let handle = self.handle else { return }
        switch self.phase {
        case .connecting:
            self.pollConnect(handle)
        case .ready:
            self.readAndWrite(handle)
        case .closed:
            break
        }
    }

    // MARK: Operations

    /// Runs an operation after those that were asked for before it.
    ///
    /// Its completion is called exactly once.
    func execute(_ operation: PostgresOperation) {
        self.loop.preconditionInLoop()
        guard self.phase == .ready else {
            return operation.completion(.failure(PostgresError(.connectionFailed, "the connection has ended")))
        }
        if let defect = operation.defect { return operation.completion(.failure(defect)) }
        guard self.progress != nil else { return self.start(PostgresProgress(operation: operation)) }
        guard self.queued.count < self.configuration.maxQueuedStatements else {
            return operation.completion(.failure(PostgresError(.acquireTimeout, "too many statements wait here")))
        }
        self.queued.append(operation)
    }

    private func start(_ progress: PostgresProgress) {
        guard let handle = self.handle else { return }
        self.progress = progress
        self.deadline = self.loop.schedule(after: progress.operation.timeout) { [weak self] in
            self?.queryDeadlineReached()
        }
        let sent =
            switch progress.operation.work {
            case .statement(let statement): self.send(statement, prelude: progress.operation.prelude, on: handle)
            case .script(let text): PQexitPipelineMode(handle) == 1 && PQsendQuery(handle, text) == 1
            }
        guard sent else {
            return self.close(PostgresError(.connectionLost, PostgresResultReader.firstLine(PQerrorMessage(handle))))
        }
        self.flush(handle)
    }

    /// Queues DEALLOCATE, the prelude, PREPARE where needed, and the statement.
    private func send(_ statement: PostgresStatement, prelude: String?, on handle: OpaquePointer) -> Bool {
        var steps: [PostgresProgress.Step] = []
        // A name that the server does not know any more is an error, which would end an open transaction.
        if !self.stale.isEmpty, PQtransactionStatus(handle) == PQTRANS_IDLE {
            for name in self.stale.prefix(Self.deallocationsPerOperation) {
                guard PostgresCalls.sendCommand(handle, "DEALLOCATE \(name)") else { return false }
                steps.append(.deallocate(name))
            }
            self.stale.removeFirst(steps.count)
            guard PQpipelineSync(handle) == 1 else { return false }
            steps.append(.sync)
        }
        if let prelude {
            guard PostgresCalls.sendCommand(handle, prelude) else { return false }
            steps.append(.command)
        }
        let key = PostgresStatementCache.Key(statement)
        let known = self.cache.name(of: key)
        let name = known ?? self.cache.freshName()
        if known == nil {
            guard PostgresCalls.sendPrepare(handle, name: name, statement) else { return false }
            steps.append(.prepare(key, name: name))
        }
        guard PostgresCalls.sendExecute(handle, name: name, statement) else { return false }
        steps.append(.execute(key))
        self.progress?.steps = steps
        self.progress?.usedCache = known != nil
        return PQpipelineSync(handle) == 1
    }

    private func readAndWrite(_ handle: OpaquePointer) {
        let isAlive = PQconsumeInput(handle) == 1
        if self.progress != nil {
            self.readResults(handle)
        } else {
            // Lets libpq take in notices and parameter changes that came unasked.
            _ = PQisBusy(handle)
        }
        guard self.phase == .ready, self.handle != nil else { return }
        guard isAlive, PQstatus(handle) == CONNECTION_OK else {
            return self.close(PostgresError(.connectionLost, PostgresResultReader.firstLine(PQerrorMessage(handle))))
        }
        self.flush(handle)
    }

    private func flush(_ handle: OpaquePointer) {
        switch PQflush(handle) {
        case 0: self.want(.read)
        case 1: self.want([.read, .write])
        default:
            self.close(PostgresError(.connectionLost, PostgresResultReader.firstLine(PQerrorMessage(handle))))
        }
    }

    private func readResults(_ handle: OpaquePointer) {
        while self.phase == .ready, self.progress != nil, PQisBusy(handle) == 0 {
            guard let pointer = PQgetResult(handle) else {
                guard self.noMoreResults(handle) else { return }
                continue
            }
            defer { PQclear(pointer) }
            self.progress?.hasResult = true
            switch PQresultStatus(pointer) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                self.stepSucceeded(pointer)
            case PGRES_PIPELINE_SYNC:
                self.synced(handle)
            case PGRES_PIPELINE_ABORTED:
                break
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
                self.stepFailed(pointer)
            default:
                // COPY and single-row mode are never asked for here; a script may still contain COPY.
                self.close(PostgresError(.invalidStatement, "COPY is not supported"))
            }
        }
    }

    /// libpq has no further result for the step in front; false if the connection is at its end.
    private func noMoreResults(_ handle: OpaquePointer) -> Bool {
        guard PQstatus(handle) == CONNECTION_OK else { return false }
        if case .script = self.progress?.operation.work {
            guard PQenterPipelineMode(handle) == 1 else {
                self.close(PostgresError(.connectionLost, "libpq is out of step"))
                return false
            }
            self.finish(handle)
            return true
        }
        guard let progress = self.progress, progress.hasResult, !progress.steps.isEmpty else {
            self.close(PostgresError(.connectionLost, "libpq is out of step"))
            return false
        }
        self.progress?.steps.removeFirst()
        self.progress?.hasResult = false
        return true
    }

    private func stepSucceeded(_ pointer: OpaquePointer) {
        switch self.progress?.steps.first {
        case .prepare(let key, let name):
            if let evicted = self.cache.prepared(key, name: name) { self.stale.append(evicted) }
        case .execute, nil:
            self.progress?.result = PostgresResultReader.result(pointer)
        case .deallocate, .command, .sync:
            break
        }
    }

    private func stepFailed(_ pointer: OpaquePointer) {
        let error = PostgresResultReader.error(pointer)
        // The server forgot the statement before we asked it to; an error that ends the session still counts.
        if case .deallocate = self.progress?.steps.first, !error.endsSession { return }
        if self.progress?.error == nil { self.progress?.error = error }
    }

    private func synced(_ handle: OpaquePointer) {
        guard case .sync = self.progress?.steps.first else { return self.finish(handle) }
        self.progress?.steps.removeFirst()
        self.progress?.hasResult = false
    }

    private func finish(_ handle: OpaquePointer) {
        guard let progress = self.progress else { return }
        self.cancelDeadline()
        self.progress = nil
        if let error = progress.error, let retry = self.retryWithoutCache(progress, error, handle) {
            return self.start(retry)
        }
        let operation = progress.operation
        let result: Result<PostgresResult, PostgresError>
        if let error = progress.error {
            result = .failure(operation.isCommit && error.endsSession ? progress.ended(by: error) : error)
        } else if operation.isCommit, progress.result?.commandTag == "ROLLBACK" {
            result = .failure(PostgresError(.transactionAborted, "a statement had failed; rolled back"))
        } else if let value = progress.result {
            result = .success(value)
        } else {
            result = .success(PostgresResult(storage: .empty, affectedRows: 0, commandTag: ""))
        }
        if !self.queued.isEmpty { self.start(PostgresProgress(operation: self.queued.removeFirst())) }
        operation.completion(result)
    }

    /// A plan that the server dropped (DEALLOCATE ALL, a changed table) is prepared anew, once, if nothing is lost.
    private func retryWithoutCache(
        _ progress: PostgresProgress,
        _ error: PostgresError,
        _ handle: OpaquePointer
    ) -> PostgresProgress? {
        guard
            progress.usedCache, error.sqlState == "26000" || error.sqlState == "0A000",
            case .statement(let statement) = progress.operation.work
        else { return nil }
        if let name = self.cache.remove(PostgresStatementCache.Key(statement)), error.sqlState == "0A000" {
            self.stale.append(name)
        }
        let canRepeat = progress.operation.prelude == nil && PQtransactionStatus(handle) == PQTRANS_IDLE
        guard canRepeat, !progress.isSecondAttempt else { return nil }
        var retry = PostgresProgress(operation: progress.operation)
        retry.isSecondAttempt = true
        return retry
    }

    // MARK: Ending

    private func queryDeadlineReached() {
        self.deadline = nil
        guard let handle = self.handle else { return }
        PostgresCalls.cancelOffLoop(handle)
        self.close(PostgresError(.queryTimeout, "no answer within the deadline"))
    }

    private func cancelDeadline() {
        if let deadline = self.deadline { self.loop.cancel(deadline) }
        self.deadline = nil
    }

    /// Ends the connection and fails whatever runs or waits on it.
    ///
    /// Doing it twice is harmless.
    func close(_ reason: PostgresError) {
        self.loop.preconditionInLoop()
        guard self.phase != .closed else { return }
        self.phase = .closed
        self.cancelDeadline()
        self.watch.end()
        if let handle = self.handle { PQfinish(handle) }
        self.handle = nil
        let progress = self.progress
        let queued = self.queued
        self.progress = nil
        self.queued = []
        if let progress { progress.operation.completion(.failure(progress.ended(by: reason))) }
        for operation in queued {
            operation.completion(.failure(PostgresError(.connectionFailed, reason.message, sqlState: reason.sqlState)))
        }
        self.stateChanged(self, progress?.error ?? reason)
    }
}
