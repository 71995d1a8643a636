/// Where the server is, and every limit of the driver and its pools.
///
/// Immutable once used.
package struct PostgresConfiguration: Sendable {
    package var url: PostgresURL
    package var applicationName = "timingle"
    /// Shared out among the loops; some loops share a pool if there are fewer connections than loops.
    package var maxConnections = 25
    /// Callers that wait for a connection, per pool.
    ///
    /// One more is refused at once.
    package var maxWaiters = 4_096
    package var acquireTimeout: Duration = .seconds(3)
    package var connectTimeout: Duration = .seconds(5)
    /// The server's `statement_timeout`; nil for none.
    package var statementTimeout: Duration? = .seconds(10)
    package var lockTimeout: Duration? = .seconds(3)
    package var idleInTransactionTimeout: Duration? = .seconds(30)
    /// Our own deadline from sending to the complete answer.
    ///
    /// Later than the server's, or its answer is never seen.
    package var queryTimeout: Duration = .seconds(12)
    /// The deadline of `ping`: a health answer must not wait as long as a query may.
    package var pingTimeout: Duration = .seconds(2)
    /// An unused connection is closed after this long.
    package var idleTimeout: Duration = .seconds(300)
    /// A connection is replaced after this long, so that a fail-over and new settings are noticed.
    package var maxLifetime: Duration = .seconds(3_600)
    /// How long `close` waits for running statements and transactions.
    package var closeTimeout: Duration = .seconds(5)
    package var reconnectBackoffBase: Duration = .milliseconds(100)
    package var reconnectBackoffMax: Duration = .seconds(5)
    /// Attempts in a row that fail before callers are refused at once until the next attempt is due.
    package var failuresBeforeRefusing = 3
    package var preparedStatementsPerConnection = 256
    /// Statements that may wait inside one transaction or session.
    package var maxQueuedStatements = 128

    package init(url: PostgresURL) {
        self.url = url
    }

    package init(url: String) throws(PostgresError) {
        self.init(url: try PostgresURL(url))
    }

    /// How many connections each of `loops` loops gets; never an empty share.
    func shares(loops: Int) -> [Int] {
        let pools = max(1, min(loops, self.maxConnections))
        let total = max(1, self.maxConnections)
        return (0..<pools).map { total / pools + ($0 < total % pools ? 1 : 0) }
    }

    /// libpq's keywords for one connection, session settings included.
    var connectionKeywords: [String: String] {
        var keywords = self.url.keywords
        keywords["application_name"] = self.applicationName
        keywords["client_encoding"] = "UTF8"
        // GSSAPI negotiation can block on name look-ups and is not used here.
        if keywords["gssencmode"] == nil { keywords["gssencmode"] = "disable" }
        // A peer that vanished while the connection was idle is found within a minute; our own values win.
        let liveness = ["keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"]
        keywords.merge(liveness) { own, _ in own }
        var settings = ["-c TimeZone=UTC"]
        settings.append("-c statement_timeout=\(Self.milliseconds(self.statementTimeout))")
        settings.append("-c lock_timeout=\(Self.milliseconds(self.lockTimeout))")
        let idle = Self.milliseconds(self.idleInTransactionTimeout)
        settings.append("-c idle_in_transaction_session_timeout=\(idle)")
        if let own = keywords["options"] { settings.append(own) }
        keywords["options"] = settings.joined(separator: " ")
        return keywords
    }

    private static func milliseconds(_ duration: Duration?) -> Int64 {
        guard let duration else { return 0 }
        let (seconds, attoseconds) = duration.components
        return min(seconds, 86_400) * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
