internal import TimingleCore
internal import TimingleNet

/// What the environment says about ScyllaDB or Cassandra.
enum ScyllaSettings {
    /// Nil when no host is named: chat and history are in PostgreSQL then.
    static func read(_ reader: ConfigurationReader) -> CQLStoreSettings? {
        typealias Table = ConfigurationTable
        let hosts = reader.list(Table.scyllaHosts)
        guard !hosts.isEmpty else { return nil }
        var settings = CQLStoreSettings(hosts: hosts)
        settings.port = UInt16(clamping: reader.integer(Table.scyllaPort))
        settings.keyspace = reader.string(Table.scyllaKeyspace)
        settings.replication = .init(reader.string(Table.scyllaReplication)) ?? .simple(1)
        settings.consistency = reader.choice(Table.scyllaConsistency)
        settings.localDatacenter = reader.text(Table.scyllaLocalDatacenter)
        settings.username = reader.text(Table.scyllaUsername)
        settings.password = reader.text(Table.scyllaPassword)
        if reader.flag(Table.scyllaTLS) {
            settings.tls = TLSClientSettings(
                trust: reader.text(Table.scyllaCAFile).map { .file($0) } ?? .system,
                certificateFile: reader.text(Table.scyllaCertificateFile),
                keyFile: reader.text(Table.scyllaKeyFile)
            )
        }
        settings.tlsName = reader.text(Table.scyllaTLSName)
        settings.connectionsPerHost = reader.integer(Table.scyllaConnections)
        settings.connectTimeout = reader.duration(Table.scyllaConnectTimeout)
        settings.requestTimeout = reader.duration(Table.scyllaRequestTimeout)
        return settings
    }

    /// Rules over several variables, and those that a rule of the table cannot say.
    static func check(_ reader: inout ConfigurationReader) {
        typealias Table = ConfigurationTable
        if reader.givenText(Table.scyllaHosts) != nil, reader.list(Table.scyllaHosts).isEmpty {
            reader.report(Table.scyllaHosts, "names no host")
        }
        for host in reader.list(Table.scyllaHosts) where !Self.isHost(host) {
            reader.report(Table.scyllaHosts, "must be names or addresses without ports; the port is SCYLLA_PORT")
            break
        }
        if !CQLStoreSettings.isKeyspaceName(reader.string(Table.scyllaKeyspace)) {
            reader.report(Table.scyllaKeyspace, "must be lower-case letters, digits and underscores, a letter first")
        }
        if CQLStoreSettings.Replication(reader.string(Table.scyllaReplication)) == nil {
            reader.report(Table.scyllaReplication, "must be a number from 1 to 9, or datacenter:number, …")
        }
        for (variable, other) in [
            (Table.scyllaUsername, Table.scyllaPassword), (Table.scyllaPassword, Table.scyllaUsername),
            (Table.scyllaCertificateFile, Table.scyllaKeyFile), (Table.scyllaKeyFile, Table.scyllaCertificateFile),
        ] where reader.text(variable) == nil && reader.text(other) != nil {
            reader.report(variable, "is required beside \(other.name)")
        }
        let isAnybodyTrusted = reader.text(Table.scyllaCAFile) == nil && reader.text(Table.scyllaTLSName) == nil
        if reader.flag(Table.scyllaTLS), isAnybodyTrusted {
            // Anybody has a certificate of some public authority.
            reader.report(Table.scyllaTLS, "needs SCYLLA_CA_FILE or SCYLLA_TLS_NAME, or both")
        }
        for variable in [Table.scyllaCAFile, Table.scyllaTLSName, Table.scyllaCertificateFile]
        where reader.text(variable) != nil && !reader.flag(Table.scyllaTLS) {
            // Plain text by mistake would be a worse one.
            reader.report(variable, "needs SCYLLA_TLS=true")
        }
    }

    static func warnings(_ reader: ConfigurationReader) -> [String] {
        guard let settings = Self.read(reader), reader.isProduction else { return [] }
        var warnings: [String] = []
        if !settings.replication.isRedundant {
            warnings.append("SCYLLA_REPLICATION=1: a keyspace that is made now loses rows with a node")
        }
        if settings.username != nil, settings.tls == nil {
            warnings.append("SCYLLA_PASSWORD travels in plain text: SCYLLA_TLS=true")
        }
        return warnings
    }

    /// A name, an IPv4 or an IPv6 address.
    private static func isHost(_ text: String) -> Bool {
        if text.contains(":") { return SocketAddress(parsing: text, port: 0) != nil && !text.contains("[") }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}
