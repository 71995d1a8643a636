/// What went wrong between us and PostgreSQL.
///
/// `detail` may hold the values of a row: it is for the log at most, never for an answer to a user.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection came up; nothing was sent.
        case connectionFailed
        /// The connection was lost after the statement was sent: whether it took effect is unknown.
        case connectionLost
        /// No connection became free in time, or too many were waiting already.
        case acquireTimeout
        /// No answer within our own deadline.
        ///
        /// The connection was dropped; whether it took effect is unknown.
        case queryTimeout
        /// The answer to COMMIT was lost: the transaction may have been committed or not.
        case commitUnknown
        /// COMMIT was asked for, but the transaction had failed before and was rolled back.
        case transactionAborted
        /// The server refused; see `sqlState`.
        case server
        /// A column was missing or did not hold what was asked for.
        case decoding
        /// The statement cannot be sent: too many parameters, a NUL byte in its text.
        case invalidStatement
        /// The task was cancelled while it waited for a connection; nothing was sent.
        case cancelled
        /// The client, transaction or session has ended.
        case closed
    }

    package let code: Code
    package let message: String
    /// Five characters of Appendix A of PostgreSQL's manual.
    package var sqlState: String?
    package var constraint: String?
    package var table: String?
    package var column: String?
    package var detail: String?

    package init(
        _ code: Code,
        _ message: String,
        sqlState: String? = nil,
        constraint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.constraint = constraint
    }

    package var description: String {
        guard let sqlState = self.sqlState else { return "\(self.code.rawValue): \(self.message)" }
        return "\(self.code.rawValue) \(sqlState): \(self.message)"
    }

    package var isUniqueViolation: Bool { self.sqlState == "23505" }
    package var isForeignKeyViolation: Bool { self.sqlState == "23503" }
    package var isExclusionViolation: Bool { self.sqlState == "23P01" }
    package var isCheckViolation: Bool { self.sqlState == "23514" }
    package var isNotNullViolation: Bool { self.sqlState == "23502" }
    /// Serialization failure or deadlock: the whole transaction may be tried again at once.
    package var isConflict: Bool { self.sqlState == "40001" || self.sqlState == "40P01" }
    package var isLockTimeout: Bool { self.sqlState == "55P03" }
    package var isStatementTimeout: Bool { self.sqlState == "57014" }

    /// The store is away or overloaded; the same call may succeed later.
    package var isTransient: Bool {
        switch self.code {
        case .connectionFailed, .connectionLost, .acquireTimeout, .queryTimeout: true
        case .commitUnknown, .transactionAborted, .decoding, .invalidStatement, .cancelled, .closed: false
        case .server: Self.isTransient(sqlState: self.sqlState)
        }
    }

    /// True when the statement may or may not have taken effect.
    package var isOutcomeUnknown: Bool {
        switch self.code {
        case .connectionLost, .queryTimeout, .commitUnknown: true
        default: false
        }
    }

    /// True when the server ends the session with this error.
    var endsSession: Bool {
        guard let sqlState = self.sqlState else { return false }
        return sqlState.hasPrefix("57P") || sqlState.hasPrefix("08") || sqlState == "25P03"
    }

    private static func isTransient(sqlState: String?) -> Bool {
        guard let sqlState else { return false }
        // 57P03 (starting up) and 25006 (read only: a standby after a fail-over) belong to the family.
        return ["08", "53", "57P"].contains { sqlState.hasPrefix($0) } || sqlState == "57014" || sqlState == "55P03"
            || sqlState == "25006"
    }
}

/// Why a column's bytes are not the value that was asked for.
///
/// `PostgresRow` adds the column's name.
package enum PostgresDecodingError: Error, Equatable, Sendable {
    case unexpectedNull
    case unexpectedType(PostgresType)
    case malformed(String)
    case outOfRange
}
