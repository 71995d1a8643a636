internal import TimingleNet

/// What the environment says about the listener.
///
/// Immutable.
struct ListenerSettings: Sendable {
    let limits: HTTPLimits
    let proxyProtocol: Bool
    /// Nil: answers go out as they are.
    let contentCoding: HTTPContentCoding?
    /// Nil when sockets' messages are not compressed.
    let webSocketDeflate: PerMessageDeflate?
    /// Nil: no files are served.
    let staticDirectory: String?
    /// Nil for plain text.
    let tls: TLSServerSettings?

    init(_ reader: ConfigurationReader) {
        typealias Table = ConfigurationTable
        var limits = HTTPLimits()
        limits.bodyBytes = reader.integer(Table.bodyBytes)
        limits.outboxBytes = reader.integer(Table.queueBytes)
        limits.connections = reader.integer(Table.connections)
        let perAddress = reader.integer(Table.connectionsPerAddress)
        limits.connectionsPerNetwork = perAddress > 0 ? perAddress : .max
        limits.headDeadline = reader.duration(Table.headTimeout)
        limits.bodyDeadline = reader.duration(Table.bodyTimeout)
        limits.keepAliveIdle = reader.duration(Table.idleTimeout)
        limits.writeDeadline = reader.duration(Table.writeTimeout)
        limits.writeBytesPerSecondMin = reader.integer(Table.writeRate)
        self.limits = limits
        self.proxyProtocol = reader.flag(Table.proxyProtocol)
        self.contentCoding = reader.flag(Table.gzip) ? HTTPContentCoding() : nil
        self.webSocketDeflate = reader.flag(Table.webSocketCompression) ? PerMessageDeflate() : nil
        self.staticDirectory = reader.text(Table.staticDirectory)
        if let certificateFile = reader.text(Table.tlsCertificateFile), let keyFile = reader.text(Table.tlsKeyFile) {
            self.tls = TLSServerSettings(
                certificateFile: certificateFile,
                keyFile: keyFile,
                minimumVersion: reader.choice(Table.tlsMinimumVersion) == "1.3" ? .tls13 : .tls12
            )
        } else {
            self.tls = nil
        }
    }

    /// Half a pair of files is a mistake, and plain text by mistake would be a worse one.
    static func checkTogether(_ reader: inout ConfigurationReader) {
        let pair = [ConfigurationTable.tlsCertificateFile, ConfigurationTable.tlsKeyFile]
        let missing = pair.filter { reader.text($0) == nil }
        guard missing.count == 1, let variable = missing.first else { return }
        let other = pair.first { reader.text($0) != nil }
        reader.report(variable, "is required beside \(other?.name ?? "")")
    }

    /// The most connections for which so many descriptors are enough, refusals and everything else included.
    static func connectionsMax(_ wanted: Int, descriptors: Int, others: Int) -> Int {
        let usable = descriptors - others
        // The acceptor takes a few more, to refuse them.
        return max(1, min(wanted, usable - Listener.refusalsMax(connectionsMax: usable)))
    }
}
