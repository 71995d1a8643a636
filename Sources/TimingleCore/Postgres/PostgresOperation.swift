/// One request to a connection and whom to tell.
///
/// Loop-confined.
struct PostgresOperation {
    enum Work {
        case statement(PostgresStatement)
        /// Statements without parameters, separated by semicolons: the simple query protocol.
        case script(String)
    }

    typealias Completion = (Result<PostgresResult, PostgresError>) -> Void

    let work: Work
    /// A command that goes out in front, in the same round trip: BEGIN.
    var prelude: String?
    /// A lost answer to COMMIT is its own kind of error.
    var isCommit = false
    let timeout: Duration
    let completion: Completion

    /// Why this can never be sent, or nil.
    var defect: PostgresError? {
        let text: String
        switch self.work {
        case .statement(let statement):
            text = statement.text
            guard statement.bindings.count <= 65_535 else {
                return PostgresError(.invalidStatement, "more than 65535 parameters")
            }
            guard statement.bindings.allSatisfy({ ($0.bytes?.count ?? 0) <= 1 << 30 }) else {
                return PostgresError(.invalidStatement, "a parameter of more than 1 GiB")
            }
        case .script(let script):
            text = script
        }
        return text.utf8.contains(0) ? PostgresError(.invalidStatement, "a NUL byte in the statement") : nil
    }
}

/// What has been sent for an operation and what came back of it so far.
struct PostgresProgress {
    enum Step {
        case deallocate(String)
        /// The end of what must not harm the statement behind it.
        case sync
        case command
        case prepare(PostgresStatementCache.Key, name: String)
        case execute(PostgresStatementCache.Key)
    }

    let operation: PostgresOperation
    /// Sent, answer not complete.
    ///
    /// In front is the one whose results come next; empty for a script.
    var steps: [Step] = []
    /// Whether the step in front has brought anything yet.
    var hasResult = false
    var result: PostgresResult?
    var error: PostgresError?
    /// True when the statement had been prepared earlier, so that the server may have forgotten it.
    var usedCache = false
    var isSecondAttempt = false

    /// The error of the operation if the connection ends now.
    func ended(by loss: PostgresError) -> PostgresError {
        var error = self.error ?? loss
        if self.operation.isCommit, self.error.map(\.endsSession) ?? true {
            error = PostgresError(.commitUnknown, error.message, sqlState: error.sqlState)
        }
        return error
    }
}
