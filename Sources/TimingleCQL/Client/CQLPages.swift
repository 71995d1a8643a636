/// The rows of a statement, a page at a time.
///
/// A value. A page is asked for when the iterator comes to it, so whoever stops early costs no more. Each iteration
/// begins anew, at the statement's own paging state.
package struct CQLPages: AsyncSequence, Sendable {
    private let client: CQLClient
    private let statement: CQLStatement

    init(client: CQLClient, statement: CQLStatement) {
        self.client = client
        self.statement = statement
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let client: CQLClient
        /// Nil behind the last page, and behind an error.
        private var next: CQLStatement?

        fileprivate init(client: CQLClient, statement: CQLStatement) {
            self.client = client
            self.next = statement
        }

        /// The next page; nil behind the last one.
        ///
        /// Behind an error, a cancelled task's for one, nothing comes any more: a page is never left out.
        package mutating func next() async throws(CQLError) -> CQLResult? {
            guard var statement = self.next else { return nil }
            self.next = nil
            let page = try await self.client.execute(statement)
            if let state = page.pagingState {
                statement.pagingState = state
                self.next = statement
            }
            return page
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(CQLError) -> CQLResult? {
            try await self.next()
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(client: self.client, statement: self.statement) }
}
