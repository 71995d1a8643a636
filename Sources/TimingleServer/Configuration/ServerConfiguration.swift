internal import TimingleCore
internal import TimingleNet

/// The environment as typed values, checked; what the process does follows from this alone.
///
/// Immutable.
struct ServerConfiguration: Sendable {
    enum Environment: String, Sendable { case development, test, production }

    /// Which parts a process runs.
    enum Role: String, Sendable {
        case all, api, gateway, worker

        var servesAPI: Bool { self == .all || self == .api }
        var servesSockets: Bool { self == .all || self == .gateway }
        var runsWorker: Bool { self == .all || self == .worker }
    }

    enum LogFormat: String, Sendable { case auto, json, pretty }

    /// A database: one URL, or its parts.
    enum Endpoint: Sendable {
        case url(String)
        case parts([String: String])
    }

    struct RateLimits: Sendable {
        let isEnabled: Bool
        let user: RateLimit
        let business: RateLimit
        let auth: RateLimit
    }

    let environment: Environment
    let role: Role
    let port: UInt16
    let listenAddress: String
    let eventLoops: Int
    let eventLoopScheduling: ThreadScheduling
    let logLevel: LogLevel
    let logFormat: LogFormat
    let database: Endpoint
    let postgresConnections: Int
    let postgresStatementTimeout: Duration
    let postgresLockTimeout: Duration
    let migrationsDirectory: String
    let redis: Endpoint
    let natsURL: String
    let natsMonitorURL: String?
    /// Nil: chat and history are in PostgreSQL.
    let cqlStores: CQLStoreSettings?
    let authIsStrict: Bool
    let otpTestMode: Bool
    /// Nil: make a random one.
    let jwtSecret: String?
    let jwtPreviousSecret: String?
    let accessTokenLife: Duration
    let refreshTokenLife: Duration
    let chatMaxCharacters: Int
    let chatRatePerSecond: Int
    let chatRateBurst: Int
    let allowArbitraryParticipants: Bool
    let webSocketFrameBytes: Int
    let webSocketQueueBytes: Int
    let webSocketPing: Duration
    let webSocketReadTimeout: Duration
    let webSocketWriteTimeout: Duration
    let webSocketOrigins: [String]
    let listener: ListenerSettings
    let corsOrigins: [String]
    let proxyTrust: ProxyTrust
    let rateLimits: RateLimits
    let shutdownGrace: Duration
    let shutdownTimeout: Duration
    let shutdownSpread: Duration
    /// What is accepted but does less than its name says; logged at start.
    let warnings: [String]

    /// All problems at once, in the table's order.
    struct Problems: Error, Sendable { let problems: [ConfigurationProblem] }

    init(variables: [String: String]) throws(Problems) {
        typealias Table = ConfigurationTable
        var reader = ConfigurationReader(variables: variables)
        Self.checkTogether(&reader)
        guard reader.problems.isEmpty else { throw Problems(problems: reader.problems) }
        self.environment = Environment(rawValue: reader.choice(Table.environment)) ?? .development
        self.role = Role(rawValue: reader.choice(Table.role)) ?? .all
        self.port = UInt16(clamping: reader.integer(Table.port))
        self.listenAddress = reader.string(Table.listenAddress)
        self.eventLoops = reader.integer(Table.eventLoops)
        self.eventLoopScheduling = ThreadScheduling(rawValue: reader.choice(Table.eventLoopScheduling)) ?? .batch
        self.logLevel = LogLevel(name: reader.choice(Table.logLevel)) ?? .info
        self.logFormat = LogFormat(rawValue: reader.choice(Table.logFormat)) ?? .auto
        self.database = Self.database(reader)
        self.postgresConnections = reader.integer(Table.postgresConnections)
        self.postgresStatementTimeout = reader.duration(Table.postgresStatementTimeout)
        self.postgresLockTimeout = reader.duration(Table.postgresLockTimeout)
        self.migrationsDirectory = reader.string(Table.migrationsDirectory)
        self.redis = Self.redis(reader)
        self.natsURL = reader.string(Table.natsURL)
        self.natsMonitorURL = reader.text(Table.natsMonitorURL)
        self.cqlStores = ScyllaSettings.read(reader)
        self.authIsStrict = reader.choice(Table.authMode) == "strict"
        self.otpTestMode = reader.flag(Table.otpTestMode)
        self.jwtSecret = reader.text(Table.jwtSecret)
        self.jwtPreviousSecret = reader.text(Table.jwtPreviousSecret)
        self.accessTokenLife = reader.duration(Table.jwtAccessExpiry)
        self.refreshTokenLife = reader.duration(Table.jwtRefreshExpiry)
        self.chatMaxCharacters = reader.integer(Table.chatMaxCharacters)
        self.chatRatePerSecond = reader.integer(Table.chatRate)
        self.chatRateBurst = reader.integer(Table.chatBurst)
        self.allowArbitraryParticipants = reader.flag(Table.allowArbitraryParticipants)
        self.webSocketFrameBytes = reader.integer(Table.webSocketFrameBytes)
        self.webSocketQueueBytes = reader.integer(Table.webSocketQueueBytes)
        self.webSocketPing = reader.duration(Table.webSocketPing)
        self.webSocketReadTimeout = reader.duration(Table.webSocketReadTimeout)
        self.webSocketWriteTimeout = reader.duration(Table.webSocketWriteTimeout)
        self.webSocketOrigins = reader.list(Table.webSocketOrigins)
        self.listener = ListenerSettings(reader)
        self.corsOrigins = reader.list(Table.corsOrigins)
        self.proxyTrust = ProxyTrust(
            proxies: reader.list(Table.trustedProxies).compactMap { AddressBlock($0) },
            field: ProxyTrust.Field(rawValue: reader.choice(Table.forwardedField)) ?? .none
        )
        self.rateLimits = Self.rateLimits(reader)
        self.shutdownGrace = reader.duration(Table.shutdownGrace)
        self.shutdownTimeout = reader.duration(Table.shutdownTimeout)
        self.shutdownSpread = reader.duration(Table.shutdownSpread)
        self.warnings = Self.warnings(reader)
    }

    var isProduction: Bool { self.environment == .production }

    /// True where connections from that address have to begin with a PROXY header.
    func wantsProxyHeader(from host: String) -> Bool {
        guard self.listener.proxyProtocol, let address = SocketAddress(parsing: host, port: 0) else { return false }
        return self.proxyTrust.covers(address)
    }

    /// The values in force as an environment file, secrets masked.
    static func environmentFile(variables: [String: String]) -> String {
        let reader = ConfigurationReader(variables: variables)
        return ConfigurationTable.all.map { variable in
            guard let text = reader.text(variable) else { return "# \(variable.name) is unset\n" }
            let shown = variable.isSecret && reader.givenText(variable) != nil ? "********" : text
            let isPlain = shown.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: ","):
                    true
                default: false
                }
            }
            let quoted = shown.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#)
            return isPlain ? "\(variable.name)=\(shown)\n" : "\(variable.name)='\(quoted)'\n"
        }.joined()
    }
}

// MARK: Rules over several variables

extension ServerConfiguration {
    /// Secrets that stand in public samples.
    static let sampleSecrets: Set<String> = [
        "your-secret-key-change-this-in-production", "dev-secret-key-change-in-production",
        "timingle-admin-jwt-secret-dev-only",
    ]

    /// Why a secret must not sign tokens in production; nil when it may.
    private static func weakness(of secret: String) -> String? {
        if Self.sampleSecrets.contains(secret) { return "is a public sample; make your own: openssl rand -base64 48" }
        if secret.utf8.count < 32 { return "must have 32 bytes or more in production" }
        if Set(secret.utf8).count < 8 { return "must be random: openssl rand -base64 48" }
        return nil
    }

    private static func checkTogether(_ reader: inout ConfigurationReader) {
        typealias Table = ConfigurationTable
        if reader.text(Table.jwtSecret) == nil, reader.isProduction {
            reader.report(Table.jwtSecret, "is required in production: openssl rand -base64 48")
        }
        // What the previous secret signed is believed like what the current one signs.
        for variable in [Table.jwtSecret, Table.jwtPreviousSecret] where reader.isProduction {
            guard let secret = reader.text(variable), let weakness = Self.weakness(of: secret) else { continue }
            reader.report(variable, weakness)
        }
        ListenerSettings.checkTogether(&reader)
        ScyllaSettings.check(&reader)
        if reader.duration(Table.webSocketReadTimeout) <= reader.duration(Table.webSocketPing) {
            reader.report(Table.webSocketReadTimeout, "must be longer than WS_PING_INTERVAL")
        }
        if reader.flag(Table.proxyProtocol), reader.list(Table.trustedProxies).isEmpty {
            reader.report(Table.proxyProtocol, "needs TRUSTED_PROXIES: nobody else's header is believed")
        }
        guard reader.isProduction else { return }
        if reader.choice(Table.authMode) == "compat", !reader.flag(Table.allowInsecureCompat) {
            reader.report(
                Table.authMode,
                "lets anyone take over an account by its phone number; refused in production unless "
                    + "ALLOW_INSECURE_COMPAT=true"
            )
        }
        if reader.flag(Table.otpTestMode) { reader.report(Table.otpTestMode, "is refused in production") }
        if reader.text(Table.databaseURL) == nil, reader.text(Table.postgresPassword) == nil {
            reader.report(Table.postgresPassword, "is required in production unless DATABASE_URL is set")
        }
    }

    private static func warnings(_ reader: ConfigurationReader) -> [String] {
        typealias Table = ConfigurationTable
        var warnings = ScyllaSettings.warnings(reader)
        if reader.text(Table.jwtSecret) == nil {
            warnings.append("JWT_SECRET is unset: access tokens end with this process")
        }
        if reader.choice(Table.authMode) == "compat" {
            warnings.append("AUTH_MODE=compat: a phone number alone opens an account")
        }
        if reader.flag(Table.otpTestMode) { warnings.append("OTP_TEST_MODE: every code is 123456") }
        return warnings
    }

    private static func database(_ reader: ConfigurationReader) -> Endpoint {
        typealias Table = ConfigurationTable
        if let url = reader.text(Table.databaseURL) { return .url(url) }
        var parts = [
            "host": reader.string(Table.postgresHost),
            "port": reader.string(Table.postgresPort),
            "user": reader.string(Table.postgresUser),
            "dbname": reader.string(Table.postgresDatabase),
            "sslmode": reader.choice(Table.postgresSSLMode),
        ]
        parts["password"] = reader.text(Table.postgresPassword)
        return .parts(parts)
    }

    private static func redis(_ reader: ConfigurationReader) -> Endpoint {
        typealias Table = ConfigurationTable
        if let url = reader.text(Table.redisURL) { return .url(url) }
        var parts = [
            "host": reader.string(Table.redisHost),
            "port": reader.string(Table.redisPort),
            "database": reader.string(Table.redisDatabase),
        ]
        parts["password"] = reader.text(Table.redisPassword)
        return .parts(parts)
    }

    private static func rateLimits(_ reader: ConfigurationReader) -> RateLimits {
        typealias Table = ConfigurationTable
        let window = reader.duration(Table.rateLimitWindow).components.seconds
        func limit(_ variable: ConfigurationVariable) -> RateLimit {
            RateLimit(count: Int64(reader.integer(variable)), windowSeconds: window)
        }
        return RateLimits(
            isEnabled: reader.flag(Table.rateLimitEnabled),
            user: limit(Table.rateLimitUser),
            business: limit(Table.rateLimitBusiness),
            auth: limit(Table.rateLimitAuth)
        )
    }
}
