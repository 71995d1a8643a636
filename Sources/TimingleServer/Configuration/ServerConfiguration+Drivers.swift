internal import TimingleCore

extension ServerConfiguration {
    /// The environment in the words of the PostgreSQL driver.
    func postgresConfiguration() throws(PostgresError) -> PostgresConfiguration {
        var configuration: PostgresConfiguration
        switch self.database {
        case .url(let url): configuration = try PostgresConfiguration(url: url)
        case .parts(let keywords): configuration = PostgresConfiguration(url: PostgresURL(keywords: keywords))
        }
        configuration.maxConnections = self.postgresConnections
        configuration.statementTimeout = self.postgresStatementTimeout
        configuration.lockTimeout = self.postgresLockTimeout
        // Later than the server's own limit, or its answer is never seen.
        configuration.queryTimeout = self.postgresStatementTimeout + .seconds(2)
        return configuration
    }

    /// The environment in the words of the Redis driver.
    func redisConfiguration() throws(RedisError) -> RedisConfiguration {
        switch self.redis {
        case .url(let url):
            return try RedisConfiguration(url: url)
        case .parts(let parts):
            return RedisConfiguration(
                host: parts["host"] ?? "localhost",
                port: parts["port"].flatMap { UInt16($0) } ?? 6379,
                password: parts["password"],
                database: parts["database"].flatMap { Int($0) } ?? 0
            )
        }
    }

    /// The issuer of access tokens; without a secret it signs with one of this process.
    func tokenIssuer() throws(JSONWebTokenError) -> TokenIssuer {
        let secret = self.jwtSecret.map { Self.keyMaterial($0) } ?? SecureRandom.bytes(count: 32)
        var previous: JSONWebKey?
        if let text = self.jwtPreviousSecret { previous = try JSONWebKey.hs256(secret: Self.keyMaterial(text)) }
        return TokenIssuer(
            current: try JSONWebKey.hs256(secret: secret),
            previous: previous,
            lifetime: self.accessTokenLife
        )
    }

    /// The key of the one-time codes' hashes: the same in all processes that share a secret.
    func codeHashKey() -> [UInt8] {
        guard let secret = self.jwtSecret else { return SecureRandom.bytes(count: 32) }
        return Digest.hmacSHA256(key: Array(secret.utf8), Array("timingle one-time codes".utf8))
    }

    /// A secret as it is, or its hash where it is weaker than the signer takes, which only development allows.
    private static func keyMaterial(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return bytes.count >= 32 && Set(bytes).count >= 8 ? bytes : Digest.sha256(bytes)
    }
}
