package import TimingleNet

/// Where the cluster is, and every limit of the client.
///
/// Immutable once used.
package struct CQLConfiguration: Sendable {
    /// Names or addresses of some nodes, which tell of all others; each may have a port of its own (`host:9042`).
    package var hosts: [String]
    package var port: UInt16 = 9_042
    /// Of tables without one; it need not be there yet.
    package var keyspace: String?
    package var credentials: CQLCredentials?
    /// Whose nodes are asked; nil for that of the node which answered first.
    package var localDataCenter: String?
    /// Whether nodes elsewhere are asked when no local one can be.
    package var usesRemoteDataCenters = false
    package var consistency: CQLConsistency = .localQuorum
    /// Nil for the server's own, which is `serial`.
    package var serialConsistency: CQLConsistency?
    package var pageSize = 1_000
    /// Made by the caller: it reads files.
    package var tls: TLSContext?
    /// The name that every node's certificate must have.
    package var tlsServerName: String?
    package var applicationName = "timingle"
    /// Where an operator should look because of an error; goes into the log with it.
    package var advice: @Sendable (CQLError) -> String? = { _ in nil }

    // Times.
    package var connectTimeout: Duration = .seconds(5)
    /// For one request with all its tries.
    package var requestTimeout: Duration = .seconds(10)
    /// After which an idempotent request is tried at another node.
    package var attemptTimeout: Duration = .seconds(3)
    /// How long a request waits for a connection that can take it.
    package var acquireTimeout: Duration = .seconds(3)
    package var pingTimeout: Duration = .seconds(2)
    package var heartbeatInterval: Duration = .seconds(10)
    package var heartbeatTimeout: Duration = .seconds(3)
    package var reconnectBackoffBase: Duration = .milliseconds(100)
    package var reconnectBackoffMax: Duration = .seconds(5)
    package var schemaAgreementTimeout: Duration = .seconds(20)
    /// Events within this time are one reason to read the system tables anew.
    package var eventDebounce: Duration = .milliseconds(200)
    /// The tables are read as often without any event, in case one was lost.
    package var topologyRefreshInterval: Duration = .seconds(60)
    /// A node whose answers do not come is asked last for this long.
    package var suspectTime: Duration = .seconds(5)

    // Numbers.
    /// On each loop.
    ///
    /// A ScyllaDB node gets one for each of its shards instead.
    package var connectionsPerNode = 1
    /// On each loop; a node with more shards is treated as if it had none.
    package var connectionsPerNodeMax = 64
    package var inFlightMax = 1_024
    /// Requests that wait for a connection, on each loop; one more is refused at once.
    package var maxWaiters = 4_096
    package var attemptsMax = 6
    /// Attempts in a row that fail at every node before requests are refused at once until the next attempt is due.
    package var failuresBeforeRefusing = 3
    /// Statements that are kept prepared, on each loop.
    package var preparedStatementsMax = 1_024
    /// Nodes that are believed from a system table.
    package var nodesMax = 1_024

    package init(hosts: [String]) {
        self.hosts = hosts
    }

    /// What each connection needs to know.
    var connectionSettings: CQLConnectionSettings {
        var settings = CQLConnectionSettings()
        settings.connectTimeout = self.connectTimeout
        settings.heartbeatInterval = self.heartbeatInterval
        settings.heartbeatTimeout = self.heartbeatTimeout
        settings.credentials = self.credentials
        settings.startupOptions = ["DRIVER_NAME": self.applicationName]
        settings.tls = self.tls
        settings.serverName = self.tlsServerName
        return settings
    }

    var reconnectBackoff: ReconnectBackoff {
        ReconnectBackoff(base: self.reconnectBackoffBase, max: self.reconnectBackoffMax)
    }

    var controlConnectionSettings: ControlConnectionSettings {
        ControlConnectionSettings(
            hosts: self.hosts.compactMap { self.endpoint($0) },
            connection: self.connectionSettings,
            localDataCenter: self.localDataCenter,
            backoff: self.reconnectBackoff,
            eventDebounce: self.eventDebounce,
            refreshInterval: self.topologyRefreshInterval,
            nodesMax: self.nodesMax
        )
    }

    /// A host and its port, from `host`, `host:port`, `::1` or `[::1]:port`; nil for a port that is none.
    func endpoint(_ text: String) -> (host: String, port: UInt16)? {
        if let address = SocketAddress(parsing: text, port: self.port), address.port != nil {
            return (address.host, self.port)
        }
        guard let colon = text.lastIndex(of: ":") else { return text.isEmpty ? nil : (text, self.port) }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let digits = text[text.index(after: colon)...]
        guard !host.isEmpty, !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits), port > 0
        else { return nil }
        return (host, port)
    }
}
