/// Every environment variable that the server reads, each with its default and rule: the only place that names them.
///
/// Help, documentation, validation and `config print` come from here.
enum ConfigurationTable {
    typealias Variable = ConfigurationVariable

    static let environment = Variable(
        "ENV",
        aliases: ["API_ENV", "GIN_MODE"],
        .choice([["development", "dev", "debug", "local"], ["test"], ["production", "prod", "release", "staging"]]),
        default: "development",
        "production turns on the refusals that protect real users"
    )
    static let role = Variable(
        "ROLE",
        .choice([["all"], ["api"], ["gateway"], ["worker"]]),
        default: "all",
        "which parts this process runs"
    )
    static let port = Variable(
        "PORT",
        aliases: ["API_PORT"],
        .integer(0...65_535),
        default: "8080",
        "TCP port; 0 takes a free one and logs it"
    )
    static let listenAddress = Variable("LISTEN_ADDRESS", .address, default: "0.0.0.0", "address to listen on")
    static let eventLoops = Variable("EVENT_LOOPS", .integer(0...256), default: "0", "threads; 0 is one a processor")
    static let eventLoopScheduling = Variable(
        "EVENT_LOOP_SCHEDULING",
        .choice([["batch"], ["normal"]]),
        default: "batch",
        "batch takes no processor from whoever runs on it and costs less; normal for one that others keep busy"
    )
    static let logLevel = Variable(
        "LOG_LEVEL",
        .choice([["debug"], ["info"], ["notice"], ["warning", "warn"], ["error"]]),
        default: "info",
        "least level that is logged"
    )
    static let logFormat = Variable(
        "LOG_FORMAT",
        .choice([["auto"], ["json"], ["pretty", "text"]]),
        default: "auto",
        "auto is pretty on a terminal and JSON lines elsewhere"
    )
    static let baseURL = Variable(
        "BASE_URL",
        aliases: ["API_BASE_URL"],
        .url(schemes: ["https", "http"]),
        default: "https://timingle.app",
        "prefix of the links that people are sent"
    )

    static let databaseURL = Variable(
        "DATABASE_URL",
        .url(schemes: ["postgres", "postgresql"]),
        isSecret: true,
        "PostgreSQL; wins over POSTGRES_*"
    )
    static let postgresHost = Variable(
        "POSTGRES_HOST",
        aliases: ["DB_HOST"],
        .text,
        default: "localhost",
        "PostgreSQL's host or socket directory"
    )
    static let postgresPort = Variable(
        "POSTGRES_PORT",
        aliases: ["DB_PORT"],
        .integer(1...65_535),
        default: "5432",
        "PostgreSQL's port"
    )
    static let postgresUser = Variable(
        "POSTGRES_USER",
        aliases: ["DB_USER"],
        .text,
        default: "timingle",
        "PostgreSQL's user"
    )
    static let postgresPassword = Variable(
        "POSTGRES_PASSWORD",
        aliases: ["DB_PASSWORD"],
        .text,
        isSecret: true,
        "required in production unless DATABASE_URL is set"
    )
    static let postgresDatabase = Variable(
        "POSTGRES_DB",
        aliases: ["DB_NAME"],
        .text,
        default: "timingle",
        "PostgreSQL's database"
    )
    static let postgresSSLMode = Variable(
        "POSTGRES_SSLMODE",
        aliases: ["POSTGRES_SSL_MODE", "DB_SSL_MODE"],
        .choice([["disable"], ["allow"], ["prefer"], ["require"], ["verify-ca"], ["verify-full"]]),
        default: "disable",
        "libpq's sslmode"
    )
    static let postgresConnections = Variable(
        "POSTGRES_MAX_CONNECTIONS",
        aliases: ["DB_MAX_OPEN_CONNS"],
        .integer(1...1_000),
        default: "25",
        "connections of this process in all"
    )
    static let postgresStatementTimeout = Variable(
        "POSTGRES_STATEMENT_TIMEOUT",
        .duration(.milliseconds(100)...Duration.seconds(600)),
        default: "10s",
        "longest statement"
    )
    static let postgresLockTimeout = Variable(
        "POSTGRES_LOCK_TIMEOUT",
        .duration(.milliseconds(10)...Duration.seconds(600)),
        default: "3s",
        "longest wait for a lock"
    )
    static let migrationsDirectory = Variable(
        "MIGRATIONS_DIR",
        .text,
        default: "migrations",
        "where *.sql lie, and cql/*.cql"
    )

    static let redisURL = Variable(
        "REDIS_URL",
        .url(schemes: ["redis"]),
        isSecret: true,
        "Redis; wins over REDIS_*"
    )
    static let redisHost = Variable("REDIS_HOST", .text, default: "localhost", "Redis' host")
    static let redisPort = Variable("REDIS_PORT", .integer(1...65_535), default: "6379", "Redis' port")
    static let redisPassword = Variable("REDIS_PASSWORD", .text, isSecret: true, "Redis' password")
    static let redisDatabase = Variable("REDIS_DB", .integer(0...1_023), default: "0", "Redis' database number")

    static let natsURL = Variable(
        "NATS_URL",
        .url(schemes: ["nats", "tls"]),
        default: "nats://localhost:4222",
        isSecret: true,
        "NATS with JetStream; several, separated by commas, are one cluster"
    )

    static let natsMonitorURL = Variable(
        "NATS_MONITOR_URL",
        .url(schemes: ["http"]),
        "the broker's monitoring port: lets the server see whether it syncs before it acknowledges, and warn if not"
    )

    static let authMode = Variable(
        "AUTH_MODE",
        .choice([["strict"], ["compat"]]),
        default: "compat",
        inProduction: "strict",
        "compat lets a phone number alone register and log in (the shipped app); refused in production"
    )
    static let allowInsecureCompat = Variable(
        "ALLOW_INSECURE_COMPAT",
        .flag,
        default: "false",
        "the owner's word that compat may run in production"
    )
    static let otpTestMode = Variable(
        "OTP_TEST_MODE",
        .flag,
        default: "false",
        "every code is 123456; refused in production"
    )
    static let jwtSecret = Variable(
        "JWT_SECRET",
        .text,
        isSecret: true,
        "signs access tokens; 32 bytes or more; required in production, random per process elsewhere"
    )
    static let jwtPreviousSecret = Variable(
        "JWT_SECRET_PREVIOUS",
        .text,
        isSecret: true,
        "tokens signed by it are still accepted, while JWT_SECRET is being replaced"
    )
    static let jwtAccessExpiry = Variable(
        "JWT_ACCESS_EXPIRY",
        aliases: ["JWT_EXPIRY"],
        .duration(.seconds(10)...Duration.seconds(7 * 86_400)),
        default: "15m",
        "life of an access token"
    )
    static let jwtRefreshExpiry = Variable(
        "JWT_REFRESH_EXPIRY",
        .duration(.seconds(60)...Duration.seconds(90 * 86_400)),
        default: "168h",
        "life of a refresh token"
    )

    static let chatMaxCharacters = Variable(
        "CHAT_MAX_CHARS",
        .integer(1...100_000),
        default: "4000",
        "longest message, in characters"
    )
    static let chatRate = Variable(
        "CHAT_RATE_PER_SECOND",
        .integer(1...10_000),
        default: "10",
        "messages a second and user"
    )
    static let chatBurst = Variable(
        "CHAT_RATE_BURST",
        .integer(1...100_000),
        default: "20",
        "messages at once and user"
    )
    static let allowArbitraryParticipants = Variable(
        "ALLOW_ARBITRARY_PARTICIPANTS",
        .flag,
        default: "true",
        inProduction: "false",
        "whether people may be invited by id who never shared an event with the inviter"
    )

    static let webSocketFrameBytes = Variable(
        "WS_MAX_FRAME_BYTES",
        .integer(1_024...16_777_216),
        default: "65536",
        "largest frame and message from a client"
    )
    static let webSocketQueueBytes = Variable(
        "WS_QUEUE_BYTES",
        .integer(65_536...67_108_864),
        default: "1048576",
        "queued bytes that make a client too slow"
    )
    static let webSocketPing = Variable(
        "WS_PING_INTERVAL",
        aliases: ["WS_PING_SECONDS"],
        .duration(.seconds(1)...Duration.seconds(600)),
        default: "54s",
        "how often the server pings"
    )
    static let webSocketReadTimeout = Variable(
        "WS_READ_TIMEOUT",
        .duration(.seconds(2)...Duration.seconds(1_200)),
        default: "60s",
        "longest silence of a client; longer than the ping interval"
    )
    static let webSocketWriteTimeout = Variable(
        "WS_WRITE_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(300)),
        default: "10s",
        "longest time without progress in writing"
    )
    static let webSocketOrigins = Variable(
        "WS_ALLOWED_ORIGINS",
        .list,
        "browser origins that may open sockets; empty: any, since a credential is always needed"
    )

    static let rateLimitEnabled = Variable("RATE_LIMIT_ENABLED", .flag, default: "true", "whether requests are counted")
    static let rateLimitUser = Variable(
        "RATE_LIMIT_MAX_REQUESTS",
        .integer(1...10_000_000),
        default: "100",
        "requests a window and user"
    )
    static let rateLimitBusiness = Variable(
        "RATE_LIMIT_BUSINESS_MAX_REQUESTS",
        .integer(1...10_000_000),
        default: "300",
        "requests a window and business user"
    )
    static let rateLimitAuth = Variable(
        "RATE_LIMIT_AUTH_MAX_REQUESTS",
        .integer(1...10_000_000),
        default: "30",
        "requests for tokens a window and address"
    )
    static let rateLimitWindow = Variable(
        "RATE_LIMIT_WINDOW",
        .duration(.seconds(1)...Duration.seconds(86_400)),
        default: "1m",
        "the window"
    )

    static let shutdownGrace = Variable(
        "SHUTDOWN_GRACE",
        .duration(.zero...Duration.seconds(300)),
        default: "1s",
        "how long /readyz already fails before the listener stops accepting"
    )
    static let shutdownTimeout = Variable(
        "SHUTDOWN_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(600)),
        default: "25s",
        "longest time for open requests, sockets and batches to finish"
    )

    static let shutdownSpread = Variable(
        "SHUTDOWN_SPREAD",
        .duration(.zero...Duration.seconds(300)),
        default: "5s",
        "over how long sockets are closed (1012), lest clients come back all at once; at most half the timeout"
    )

    static let all: [Variable] =
        [
            environment, role, port, listenAddress, eventLoops, eventLoopScheduling, logLevel, logFormat,
            baseURL,
            databaseURL, postgresHost, postgresPort, postgresUser, postgresPassword, postgresDatabase, postgresSSLMode,
            postgresConnections, postgresStatementTimeout, postgresLockTimeout, migrationsDirectory,
            redisURL, redisHost, redisPort, redisPassword, redisDatabase, natsURL, natsMonitorURL,
        ] + scylla + [
            authMode, allowInsecureCompat, otpTestMode, jwtSecret, jwtPreviousSecret, jwtAccessExpiry, jwtRefreshExpiry,
            chatMaxCharacters, chatRate, chatBurst, allowArbitraryParticipants,
            webSocketFrameBytes, webSocketQueueBytes, webSocketPing, webSocketReadTimeout, webSocketWriteTimeout,
            webSocketOrigins,
        ] + listener + [
            rateLimitEnabled, rateLimitUser, rateLimitBusiness, rateLimitAuth, rateLimitWindow,
            shutdownGrace, shutdownTimeout, shutdownSpread,
        ]

    /// The table of the README: `timingle config docs`.
    static var markdown: String {
        var lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
        for variable in self.all {
            let names = ([variable.name] + variable.aliases).map { "`\($0)`" }.joined(separator: ", ")
            let range = variable.rule.rangeText
            let type = range.isEmpty ? variable.rule.typeName : "\(variable.rule.typeName), \(range)"
            var standard = variable.defaultText.map { "`\($0)`" } ?? ""
            if let production = variable.productionDefaultText, production != variable.defaultText {
                standard += " (production: `\(production)`)"
            }
            lines.append("| \(names) | \(type) | \(standard) | \(variable.help) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
