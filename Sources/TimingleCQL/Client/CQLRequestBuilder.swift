/// Makes the request for a statement or a batch, with the client's settings where it has none of its own.
///
/// Loop-confined.
struct CQLRequestBuilder {
    private let configuration: CQLConfiguration
    private let cache: PreparedStatementCache

    init(configuration: CQLConfiguration, cache: PreparedStatementCache) {
        self.configuration = configuration
        self.cache = cache
    }

    init(_ shard: CQLShard) { self.init(configuration: shard.configuration, cache: shard.prepared) }

    /// Nil where a statement with values is not prepared.
    func request(_ work: CQLExecution.Work) throws(CQLCodingError) -> CQLRequest? {
        switch work {
        case .prepare(let text): return .prepare(PrepareRequest(text))
        case .statement(let statement): return try self.request(statement)
        case .batch(let batch): return try self.request(batch)
        }
    }

    private func request(_ statement: CQLStatement) throws(CQLCodingError) -> CQLRequest? {
        var parameters = CQLQueryParameters(
            consistency: statement.consistency ?? self.configuration.consistency,
            values: statement.bindings
        )
        let pageSize = statement.pageSize ?? self.configuration.pageSize
        guard let rows = Int32(exactly: pageSize), rows > 0 else {
            throw CQLCodingError(.outOfRange, "a page of \(pageSize) rows")
        }
        parameters.pageSize = rows
        parameters.pagingState = statement.pagingState
        parameters.serialConsistency = statement.serialConsistency ?? self.configuration.serialConsistency
        parameters.timestampMicroseconds = statement.timestampMicroseconds
        guard !statement.bindings.isEmpty else { return .query(QueryRequest(statement.text, parameters)) }
        guard let prepared = self.cache.find(statement.text) else { return nil }
        return .execute(ExecuteRequest(prepared, parameters))
    }

    private func request(_ batch: CQLBatch) throws(CQLCodingError) -> CQLRequest? {
        var statements: [BatchRequest.Statement] = []
        statements.reserveCapacity(batch.statements.count)
        for statement in batch.statements {
            guard !statement.bindings.isEmpty else {
                statements.append(.text(statement.text, []))
                continue
            }
            guard let prepared = self.cache.find(statement.text) else { return nil }
            statements.append(.prepared(prepared, statement.bindings))
        }
        var request = BatchRequest(
            batch.kind,
            statements,
            consistency: batch.consistency ?? self.configuration.consistency
        )
        request.serialConsistency = batch.serialConsistency ?? self.configuration.serialConsistency
        request.timestampMicroseconds = batch.timestampMicroseconds
        return .batch(request)
    }

    /// The keyspace of what is prepared: of the first statement, in a batch.
    static func keyspace(of request: CQLRequest) -> String? {
        switch request {
        case .execute(let request): return request.prepared.markers.first?.keyspace
        case .batch(let request):
            guard case .prepared(let prepared, _)? = request.statements.first else { return nil }
            return prepared.markers.first?.keyspace
        case .startup, .options, .authResponse, .query, .prepare, .register: return nil
        }
    }
}
