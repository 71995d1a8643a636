internal import TimingleCQL
internal import TimingleNet

extension CQLStoreSettings {
    /// The same in the words of the client.
    ///
    /// Reads the authorities' file: not on a loop.
    func configuration(keyspace: String?, loops: Int) throws -> CQLConfiguration {
        var configuration = CQLConfiguration(hosts: self.hosts)
        configuration.port = self.port
        configuration.keyspace = keyspace
        configuration.advice = Self.advice
        configuration.consistency = CQLConsistency(name: self.consistency) ?? .quorum
        if let username = self.username {
            configuration.credentials = CQLCredentials(username: username, password: self.password ?? "")
        }
        configuration.localDataCenter = self.localDatacenter
        if let tls = self.tls {
            configuration.tls = try TLSContext(client: tls)
            configuration.tlsServerName = self.tlsName
        }
        configuration.connectTimeout = self.connectTimeout
        configuration.requestTimeout = self.requestTimeout
        // Time for a second try elsewhere, where that may be.
        configuration.attemptTimeout = min(configuration.attemptTimeout, self.requestTimeout / 2)
        configuration.acquireTimeout = min(configuration.acquireTimeout, self.requestTimeout)
        // A node that hangs is found soon: who sends a message asks the store.
        configuration.heartbeatInterval = .seconds(5)
        // The client counts connections on each loop.
        configuration.connectionsPerNode = max(1, self.connectionsPerHost / loops)
        return configuration
    }
}
