import Testing
import TimingleCore
import TimingleNet
@testable import TimingleServer

struct ServerConfigurationTests {
    private let production = [
        "ENV": "production", "JWT_SECRET": "0123456789abcdef0123456789abcdef", "DATABASE_URL": "postgres://u:p@h/d",
    ]

    private func problems(_ variables: [String: String]) -> [ConfigurationProblem] {
        do throws(ServerConfiguration.Problems) {
            _ = try ServerConfiguration(variables: variables)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func anEmptyEnvironmentIsADevelopmentServer() throws {
        let configuration = try ServerConfiguration(variables: [:])
        #expect(configuration.environment == .development)
        #expect(configuration.role == .all)
        #expect(configuration.port == 8080)
        #expect(!configuration.authIsStrict)
        #expect(configuration.allowArbitraryParticipants)
        #expect(configuration.accessTokenLife == .seconds(900))
        #expect(configuration.refreshTokenLife == .seconds(604_800))
        #expect(configuration.postgresConnections == 25)
        #expect(configuration.rateLimits.user == RateLimit(count: 100, windowSeconds: 60))
        #expect(configuration.rateLimits.business.count == 300)
        #expect(configuration.rateLimits.auth.count == 30)
        #expect(configuration.chatMaxCharacters == 4_000)
        #expect(configuration.eventLoopScheduling == .batch)
        #expect(configuration.warnings.count == 2)
    }

    @Test func productionHasDefaultsOfItsOwn() throws {
        let configuration = try ServerConfiguration(variables: self.production)
        #expect(configuration.authIsStrict)
        #expect(!configuration.allowArbitraryParticipants)
        #expect(configuration.warnings.isEmpty)
    }

    @Test(arguments: [
        ("PORT", "65536"), ("PORT", "-1"), ("PORT", "80a"), ("ROLE", "apis"), ("ENV", "prodd"),
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("LISTEN_ADDRESS", "localhost"), ("LISTEN_ADDRESS", "/tmp/x"),
        ("EVENT_LOOPS", "1000"), ("EVENT_LOOP_SCHEDULING", "fifo"), ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgres://"),
        ("POSTGRES_PORT", "0"), ("POSTGRES_SSLMODE", "maybe"), ("DB_SSL_MODE", "maybe"), ("REDIS_URL", "http://x"),
        ("REDIS_PORT", "x"), ("REDIS_DB", "-1"), ("NATS_URL", "localhost:4222"), ("NATS_MONITOR_URL", "https://x"),
        ("AUTH_MODE", "lax"),
        ("OTP_TEST_MODE", "perhaps"), ("JWT_ACCESS_EXPIRY", "soon"), ("JWT_EXPIRY", "1s"), ("JWT_REFRESH_EXPIRY", "1y"),
        ("CHAT_MAX_CHARS", "0"), ("CHAT_RATE_PER_SECOND", "0"), ("WS_MAX_FRAME_BYTES", "10"), ("WS_PING_SECONDS", "0"),
        ("RATE_LIMIT_WINDOW", "0s"), ("RATE_LIMIT_MAX_REQUESTS", "0"), ("RATE_LIMIT_ENABLED", "2"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"), ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"), ("SHUTDOWN_TIMEOUT", "0s"),
        ("PROXY_PROTOCOL", "true"), ("PROXY_PROTOCOL", "v2"), ("FORWARDED_FIELD", "x-real-ip"),
        ("HTTP_MAX_CONNECTIONS_PER_ADDRESS", "-1"), ("HTTP_MIN_READ_RATE", "-1"), ("HTTP_WRITE_TIMEOUT", "0s"),
        ("POSTGRES_MAX_CONNECTIONS", "0"), ("POSTGRES_STATEMENT_TIMEOUT", "1h"), ("BASE_URL", "ftp://x"),
    ])
    func aBrokenValueIsNamedWithItsRule(name: String, value: String) {
        let problems = self.problems([name: value])
        #expect(problems.count == 1)
        let variable = ConfigurationTable.all.first { $0.name == name || $0.aliases.contains(name) }
        #expect(problems.first?.variable == variable?.name)
        #expect(problems.first?.rule.isEmpty == false)
        if variable?.isSecret == false { #expect(problems.first?.value == value) }
    }

    @Test func allProblemsAreReportedAtOnce() {
        let problems = self.problems(["PORT": "x", "ROLE": "y", "JWT_ACCESS_EXPIRY": "z", "WS_READ_TIMEOUT": "10s"])
        #expect(Set(problems.map(\.variable)) == ["PORT", "ROLE", "JWT_ACCESS_EXPIRY", "WS_READ_TIMEOUT"])
    }

    @Test(arguments: [
        (["JWT_SECRET": ""], "JWT_SECRET"), (["JWT_SECRET": "short"], "JWT_SECRET"),
        (["JWT_SECRET": String(repeating: "k", count: 64)], "JWT_SECRET"),
        (["JWT_SECRET_PREVIOUS": "short"], "JWT_SECRET_PREVIOUS"),
        (["JWT_SECRET_PREVIOUS": "your-secret-key-change-this-in-production"], "JWT_SECRET_PREVIOUS"),
        (["JWT_SECRET_PREVIOUS": String(repeating: "k", count: 64)], "JWT_SECRET_PREVIOUS"),
        (["JWT_SECRET": "your-secret-key-change-this-in-production"], "JWT_SECRET"),
        (["JWT_SECRET": "dev-secret-key-change-in-production"], "JWT_SECRET"),
        (["AUTH_MODE": "compat"], "AUTH_MODE"), (["OTP_TEST_MODE": "true"], "OTP_TEST_MODE"),
        (["DATABASE_URL": ""], "POSTGRES_PASSWORD"),
    ])
    func productionRefusesWhatIsFineInDevelopment(change: [String: String], variable: String) {
        let problems = self.problems(self.production.merging(change) { $1 })
        #expect(problems.map(\.variable) == [variable])
        #expect(self.problems(change.merging(["ENV": "development"]) { $1 }).isEmpty)
    }

    @Test func theOwnerMayInsistOnCompat() {
        let change = ["AUTH_MODE": "compat", "ALLOW_INSECURE_COMPAT": "true"]
        #expect(self.problems(self.production.merging(change) { $1 }).isEmpty)
    }

    @Test(arguments: [("GIN_MODE", "release"), ("API_ENV", "prod"), ("ENV", "PRODUCTION")])
    func otherWordsMeanProduction(name: String, value: String) {
        let problems = self.problems([name: value])
        #expect(problems.contains { $0.variable == "JWT_SECRET" })
    }

    @Test func bothSpellingsWorkAndTheFirstWins() throws {
        let old = try ServerConfiguration(variables: ["API_PORT": "1", "JWT_EXPIRY": "24h", "DB_HOST": "a"])
        #expect(old.port == 1)
        #expect(old.accessTokenLife == .seconds(86_400))
        let both = try ServerConfiguration(variables: [
            "API_PORT": "1", "PORT": "2", "POSTGRES_HOST": "", "DB_HOST": "b",
        ])
        #expect(both.port == 2)
        guard case .parts(let parts) = both.database else {
            Issue.record("parts were given")
            return
        }
        #expect(parts["host"] == "b")
    }

    @Test func unknownVariablesAreNobodysBusiness() throws {
        _ = try ServerConfiguration(variables: ["TIMINGLE_SOMETHING": "x", "PATH": "/bin"])
    }

    @Test func scyllaIsReadWhereHostsAreNamed() throws {
        #expect(try ServerConfiguration(variables: [:]).cqlStores == nil)
        let short = try #require(try ServerConfiguration(variables: ["SCYLLA_HOST": "db"]).cqlStores)
        #expect(short.hosts == ["db"] && short.port == 9042 && short.keyspace == "timingle")
        #expect(short.consistency == "QUORUM" && short.replication == .simple(1) && short.tls == nil)
        #expect(short.connectTimeout == .seconds(10) && short.requestTimeout == .seconds(5))
        #expect(short.connectionsPerHost == 2)
        let long = try #require(
            try ServerConfiguration(variables: [
                "SCYLLA_HOSTS": "10.0.0.1, db-2.example ,::1", "SCYLLA_PORT": "19042", "SCYLLA_KEYSPACE": "chat",
                "SCYLLA_CONSISTENCY": "local_quorum", "SCYLLA_LOCAL_DC": "seoul", "SCYLLA_USERNAME": "u",
                "SCYLLA_PASSWORD": "p", "SCYLLA_TLS": "true", "SCYLLA_CA_FILE": "/ca.pem",
                "SCYLLA_REPLICATION": "seoul:3",
            ]).cqlStores
        )
        #expect(long.hosts == ["10.0.0.1", "db-2.example", "::1"] && long.port == 19_042)
        #expect(long.consistency == "LOCAL_QUORUM" && long.localDatacenter == "seoul")
        #expect(long.username == "u" && long.password == "p" && long.tls?.trust == .file("/ca.pem"))
        #expect(long.replication == .datacenters(["seoul": 3]))
    }

    @Test(arguments: [
        (["SCYLLA_HOSTS": " , "], "SCYLLA_HOSTS"), (["SCYLLA_HOSTS": "h:9042"], "SCYLLA_HOSTS"),
        (["SCYLLA_HOSTS": "cql://h"], "SCYLLA_HOSTS"), (["SCYLLA_KEYSPACE": "a-b"], "SCYLLA_KEYSPACE"),
        (["SCYLLA_REPLICATION": "many"], "SCYLLA_REPLICATION"), (["SCYLLA_CONSISTENCY": "ANY"], "SCYLLA_CONSISTENCY"),
        (["SCYLLA_USERNAME": "u"], "SCYLLA_PASSWORD"), (["SCYLLA_PASSWORD": "p"], "SCYLLA_USERNAME"),
        (["SCYLLA_CA_FILE": "/ca.pem"], "SCYLLA_CA_FILE"),
        (["SCYLLA_TLS": "true"], "SCYLLA_TLS"), (["SCYLLA_TLS_NAME": "n"], "SCYLLA_TLS_NAME"),
        (["SCYLLA_TLS": "true", "SCYLLA_TLS_NAME": "n", "SCYLLA_CERT_FILE": "/c.pem"], "SCYLLA_KEY_FILE"),
        (["SCYLLA_PORT": "0"], "SCYLLA_PORT"),
    ])
    func scyllasMistakesAreNamed(variables: [String: String], name: String) {
        #expect(self.problems(variables).map(\.variable) == [name])
    }

    @Test func secretsAreNeverShown() {
        let secret = "s3cr3t-that-nobody-may-see"
        var variables = Dictionary(
            uniqueKeysWithValues: ConfigurationTable.all.filter(\.isSecret).map { ($0.name, secret) }
        )
        variables["ENV"] = "production"
        let file = ServerConfiguration.environmentFile(variables: variables)
        #expect(!file.contains(secret))
        #expect(file.contains("JWT_SECRET=********"))
        for problem in self.problems(variables) { #expect(!problem.description.contains(secret)) }
    }

    @Test func thePrintedFileHasEveryVariableAndQuotesWhatNeedsIt() {
        let file = ServerConfiguration.environmentFile(variables: ["POSTGRES_USER": "o'neill $x"])
        for variable in ConfigurationTable.all { #expect(file.contains(variable.name)) }
        #expect(file.contains(#"POSTGRES_USER='o'\''neill $x'"#))
        #expect(file.contains("PORT=8080\n"))
        #expect(file.contains("# DATABASE_URL is unset\n"))
    }

    @Test func namesAreUniqueAndDefaultsKeepTheirOwnRules() {
        let names = ConfigurationTable.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        var variables: [String: String] = [:]
        for variable in ConfigurationTable.all { variables[variable.name] = variable.defaultText }
        #expect(self.problems(variables).isEmpty)
        for variable in ConfigurationTable.all { #expect(ConfigurationTable.markdown.contains("`\(variable.name)`")) }
    }

    @Test func theListenerIsConfiguredByVariables() throws {
        let configuration = try ServerConfiguration(variables: [
            "TRUSTED_PROXIES": "10.0.0.0/8", "PROXY_PROTOCOL": "on", "FORWARDED_FIELD": "forwarded",
            "HTTP_MAX_CONNECTIONS_PER_ADDRESS": "7", "HTTP_MIN_READ_RATE": "9", "HTTP_HEADER_TIMEOUT": "3s",
        ])
        #expect(configuration.listener.limits.connectionsPerNetwork == 7)
        #expect(configuration.listener.limits.writeBytesPerSecondMin == 9)
        #expect(configuration.listener.limits.headDeadline == .seconds(3))
        #expect(configuration.proxyTrust.field == .forwarded)
        #expect(configuration.wantsProxyHeader(from: "10.1.2.3") && !configuration.wantsProxyHeader(from: "127.0.0.1"))
        let unlimited = try ServerConfiguration(variables: ["HTTP_MAX_CONNECTIONS_PER_ADDRESS": "0"])
        #expect(unlimited.listener.limits.connectionsPerNetwork == .max)
        #expect(!unlimited.wantsProxyHeader(from: "127.0.0.1"))
    }

    @Test func theEnvironmentsDefaultsAreTheListeners() throws {
        let (given, own) = (try ServerConfiguration(variables: [:]).listener.limits, HTTPLimits())
        #expect(given.bodyBytes == own.bodyBytes && given.outboxBytes == own.outboxBytes)
        #expect(given.headDeadline == own.headDeadline && given.bodyDeadline == own.bodyDeadline)
        #expect(given.keepAliveIdle == own.keepAliveIdle && given.writeDeadline == own.writeDeadline)
        #expect(given.connections == own.connections && given.writeBytesPerSecondMin == own.writeBytesPerSecondMin)
    }

    @Test(arguments: [
        (100_000, 20_000, 100, 19_388), (1_000, 20_000, 100, 1_000), (100_000, 1_024, 100, 867), (10, 200, 100, 10),
        (100, 130, 100, 14), (100, 100, 100, 1), (100, 0, 100, 1), (1_000_000, 2_000_000, 100, 1_000_000),
    ])
    func connectionsStayBelowTheDescriptors(wanted: Int, descriptors: Int, others: Int, most: Int) {
        #expect(ListenerSettings.connectionsMax(wanted, descriptors: descriptors, others: others) == most)
        guard most > 1 else { return }
        #expect(most + Listener.refusalsMax(connectionsMax: most) + others <= descriptors)
    }
}
