internal import TimingleCQL

/// Runs statements against a cluster: the client, or what a test puts in its place.
protocol CQLQuerying: Sendable {
    @discardableResult
    func execute(_ statement: CQLStatement) async throws(CQLError) -> CQLResult
    @discardableResult
    func execute(_ batch: CQLBatch) async throws(CQLError) -> CQLResult
}

extension CQLClient: CQLQuerying {}

extension CQLQuerying {
    /// One page of rows, read by `decode`.
    func storeRows<Value>(
        _ statement: CQLStatement,
        _ decode: (CQLRow) throws(CQLCodingError) -> Value
    ) async throws(StoreError) -> [Value] {
        var statement = statement
        statement.isIdempotent = true
        var values: [Value] = []
        while true {
            let result: CQLResult
            do throws(CQLError) {
                result = try await self.execute(statement)
            } catch {
                throw error.asStoreError
            }
            do throws(CQLCodingError) {
                for row in result { values.append(try decode(row)) }
            } catch {
                throw .rejected("what is stored cannot be read: \(error)")
            }
            guard let next = result.pagingState else { return values }
            statement.pagingState = next
        }
    }

    /// Writes to one partition, all of them or none, each of them idempotent.
    func storeWrite(_ statements: [CQLStatement]) async throws(StoreError) {
        guard let first = statements.first else { return }
        do throws(CQLError) {
            if statements.count == 1 {
                var statement = first
                statement.isIdempotent = true
                try await self.execute(statement)
            } else {
                var batch = CQLBatch(.unlogged, statements)
                batch.isIdempotent = true
                try await self.execute(batch)
            }
        } catch {
            throw error.asStoreError
        }
    }

    /// Several writes at once; ends when all have ended, with the first error.
    func storeWrites(_ partitions: [[CQLStatement]]) async throws(StoreError) {
        guard partitions.count > 1 else { return try await self.storeWrite(partitions.first ?? []) }
        try await concurrently(partitions) { statements throws(StoreError) in try await self.storeWrite(statements) }
    }
}

/// Runs `body` for each element, at most `width` at a time; ends when all have ended, with the first error.
func concurrently<Element: Sendable>(
    _ elements: [Element],
    width: Int = 32,
    _ body: @escaping @Sendable (Element) async throws(StoreError) -> Void
) async throws(StoreError) {
    let failure = await withTaskGroup(of: StoreError?.self) { group in
        var failure: StoreError?
        var rest = elements[...]
        func startNext() {
            guard failure == nil, let element = rest.popFirst() else { return }
            group.addTask {
                do throws(StoreError) {
                    try await body(element)
                    return nil
                } catch {
                    return error
                }
            }
        }
        for _ in 0..<max(width, 1) { startNext() }
        while let ended = await group.next() {
            if let error = ended { failure = failure ?? error }
            startNext()
        }
        return failure
    }
    if let failure { throw failure }
}
