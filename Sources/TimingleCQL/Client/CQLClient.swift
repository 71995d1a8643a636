package import TimingleNet

/// A Cassandra or ScyllaDB cluster for services: connections to its nodes on the loops behind one face.
///
/// Any thread. Connects when it is made, and again with growing pauses after failures; it comes up, and stays up, with
/// the cluster away. `close` it before its loops end.
package final class CQLClient: Sendable {
    package let configuration: CQLConfiguration
    private let group: EventLoopGroup
    private let shards: [LoopBound<CQLShard>]
    private let control: LoopBound<ControlConnection>

    package init(configuration: CQLConfiguration, group: EventLoopGroup, log: Log) {
        self.configuration = configuration
        self.group = group
        let log = log.labelled("cql")
        let journal = NodeJournal(log: log, advice: configuration.advice)
        let shards = group.loops.map { loop in
            LoopBound(CQLShard(loop: loop, configuration: configuration, log: log, journal: journal), on: loop)
        }
        self.shards = shards
        let loop = group.loops[0]
        let control = ControlConnection(
            loop: loop,
            settings: configuration.controlConnectionSettings,
            log: log,
            journal: journal
        ) { news in
            for shard in shards { shard.loop.execute { shard.value.heard(news) } }
        }
        self.control = LoopBound(control, on: loop)
        let bound = self.control
        loop.execute { bound.value.start() }
    }

    /// Runs one statement; statements with values are prepared first.
    ///
    /// A cancelled task is told at once; what was sent runs on.
    @discardableResult
    package func execute(_ statement: CQLStatement) async throws(CQLError) -> CQLResult {
        try await self.run(.statement(statement), timeout: statement.timeout)
    }

    @discardableResult
    package func execute(_ batch: CQLBatch) async throws(CQLError) -> CQLResult {
        guard !batch.statements.isEmpty else { return CQLResult() }
        return try await self.run(.batch(batch), timeout: batch.timeout)
    }

    /// All rows of a statement, a page at a time; the next one is asked for when the last one was taken.
    package func pages(_ statement: CQLStatement) -> CQLPages {
        CQLPages(client: self, statement: statement)
    }

    /// Asks some node for a sign of life.
    package func ping() async throws(CQLError) {
        var statement: CQLStatement = "SELECT key FROM system.local"
        statement.consistency = .one
        statement.timeout = self.configuration.pingTimeout
        try await self.execute(statement)
    }

    /// Waits until all nodes that can be reached have the same schema.
    package func awaitSchemaAgreement() async throws(CQLError) {
        let shard = self.shards[0]
        let result: Result<Void, CQLError> = await withCheckedContinuation { continuation in
            shard.loop.execute {
                let deadline = shard.loop.now + shard.value.configuration.schemaAgreementTimeout
                shard.value.awaitSchemaAgreement(until: deadline) { continuation.resume(returning: $0) }
            }
        }
        try result.get()
    }

    /// Refuses new work, fails what is under way, closes all connections.
    package func close() async {
        let control = self.control
        await withCheckedContinuation { continuation in
            control.loop.execute {
                control.value.close()
                continuation.resume()
            }
        }
        for shard in self.shards {
            await withCheckedContinuation { continuation in
                shard.loop.execute {
                    shard.value.close()
                    continuation.resume()
                }
            }
        }
    }

    /// How many connections each loop has.
    func openConnectionCounts() async -> [Int] {
        var counts: [Int] = []
        for shard in self.shards {
            let count = await withCheckedContinuation { continuation in
                shard.loop.execute { continuation.resume(returning: shard.value.openConnectionCount) }
            }
            counts.append(count)
        }
        return counts
    }

    // MARK: Inside

    private func run(_ work: CQLExecution.Work, timeout: Duration?) async throws(CQLError) -> CQLResult {
        let loop = self.group.anyLoop()
        let shard = self.shards[loop.index]
        let door = CQLExecutionDoor(loop: loop)
        let result: Result<CQLResponse, CQLError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if loop.inLoop {
                    door.start(work, on: shard.value, timeout: timeout) { continuation.resume(returning: $0) }
                } else {
                    loop.execute {
                        door.start(work, on: shard.value, timeout: timeout) { continuation.resume(returning: $0) }
                    }
                }
            }
        } onCancel: {
            loop.execute { door.cancel() }
        }
        let response = try result.get()
        if case .rows(let rows) = response.content { return rows }
        return CQLResult()
    }
}

/// Where a task's cancellation finds the execution that it waits for.
///
/// Loop-confined behind its face.
// SAFETY: the two variables are touched by `start` and `cancel` alone, which check that they run on the loop;
// CQLClientTests cancels from other threads.
private final class CQLExecutionDoor: @unchecked Sendable {
    private let loop: EventLoop
    private weak var execution: CQLExecution?
    private var isCancelled = false

    init(loop: EventLoop) { self.loop = loop }

    func start(
        _ work: CQLExecution.Work,
        on shard: CQLShard,
        timeout: Duration?,
        _ completion: @escaping CQLExecution.Completion
    ) {
        self.loop.preconditionInLoop()
        guard !self.isCancelled else {
            return completion(.failure(CQLError(.cancelled, "the task was cancelled")))
        }
        let execution = CQLExecution(work, on: shard, timeout: timeout, completion)
        self.execution = execution
        shard.execute(execution)
    }

    func cancel() {
        self.loop.preconditionInLoop()
        self.isCancelled = true
        self.execution?.abandon(.cancelled, "the task was cancelled")
    }
}
