/// How long refresh tokens live.
///
/// Immutable.
package struct RefreshTokenPolicy: Sendable, Equatable {
    /// From the last use when `isSliding`, else from the issue.
    package var lifetime: Duration
    /// From the login; no use of any token extends it.
    package var familyLifetime: Duration
    package var isSliding: Bool
    /// Logins of one user at the same time; the oldest is logged out.
    package var familiesPerUserMax: Int

    package init(
        lifetime: Duration = .seconds(7 * 86_400),
        familyLifetime: Duration = .seconds(90 * 86_400),
        isSliding: Bool = true,
        familiesPerUserMax: Int = 100
    ) {
        self.lifetime = lifetime
        self.familyLifetime = familyLifetime
        self.isSliding = isSliding
        self.familiesPerUserMax = familiesPerUserMax
    }
}

/// Refresh tokens in Redis, each operation one script (`contract.md` 4.10).
///
/// Any thread; fails closed.
///
/// - `rt:<hash>`: one token: family `f`, parent `p`, unused child `c`, state `s` (active or retired), end `e`.
/// - `rf:<family>`: its user `u` and beginning `b`. Without it all tokens of the family are worth nothing, so
///   revoking is one DEL and leaves the tokens to their expiry.
/// - `ru:<user>`: the user's families by their beginning.
///
/// Times come as arguments, expiry is set in durations: the clock of Redis decides nothing but when memory is freed.
package struct RedisTokenRepository: TokenStore {
    private let client: RedisClient
    private let policy: RefreshTokenPolicy

    package init(client: RedisClient, policy: RefreshTokenPolicy = RefreshTokenPolicy()) {
        self.client = client
        self.policy = policy
    }

    package func begin(_ grant: RefreshGrant, tokenHash: [UInt8], now: Timestamp) async throws(StoreError) {
        _ = try await self.run(
            Self.beginScript,
            keys: ["rt:\(tokenHash.hexadecimal)", "rf:\(grant.familyID)", "ru:\(grant.userID)"],
            arguments: [
                RedisArgument(now.milliseconds), RedisArgument(self.policy.lifetime.fullMilliseconds),
                RedisArgument(self.policy.familyLifetime.fullMilliseconds), RedisArgument(grant.userID.rawValue),
                RedisArgument(grant.familyID.description), RedisArgument(self.policy.familiesPerUserMax),
            ]
        )
    }

    package func rotate(
        tokenHash: [UInt8],
        childHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> RefreshOutcome {
        let reply = try await self.run(
            Self.rotateScript,
            keys: ["rt:\(tokenHash.hexadecimal)", "rt:\(childHash.hexadecimal)"],
            arguments: [
                RedisArgument(now.milliseconds), RedisArgument(self.policy.lifetime.fullMilliseconds),
                RedisArgument(self.policy.familyLifetime.fullMilliseconds), self.policy.isSliding ? "1" : "0",
                RedisArgument(tokenHash.hexadecimal), RedisArgument(childHash.hexadecimal),
            ]
        )
        do throws(RedisError) {
            let answer = try reply.arrayValue()
            let word = try answer.first?.textValue()
            if word == "unknown" { return .unknown }
            guard
                answer.count == 3,
                let user = try answer[1].textValue().flatMap({ UserID(text: $0) }),
                let family = try answer[2].textValue().flatMap({ Identifier128($0) })
            else { throw RedisError(.unexpectedReply, "a grant without its parts") }
            let grant = RefreshGrant(userID: user, familyID: family)
            return word == "granted" ? .granted(grant) : .reused(grant)
        } catch {
            throw error.asStoreError
        }
    }

    package func revoke(tokenHash: [UInt8], user: UserID) async throws(StoreError) {
        _ = try await self.run(
            Self.revokeScript,
            keys: ["rt:\(tokenHash.hexadecimal)", "ru:\(user)"],
            arguments: [RedisArgument(user.rawValue)]
        )
    }

    package func revokeAll(user: UserID) async throws(StoreError) {
        _ = try await self.run(Self.revokeAllScript, keys: ["ru:\(user)"], arguments: [])
    }

    private func run(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument]
    ) async throws(StoreError) -> RedisReply {
        do throws(RedisError) {
            return try await self.client.script(script, keys: keys, arguments: arguments)
        } catch {
            throw error.asStoreError
        }
    }

    private static let beginScript = RedisScript(
        """
        local now, life, cap = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local ends = math.min(now + life, now + cap)
        redis.call('HSET', KEYS[2], 'u', ARGV[4], 'b', ARGV[1])
        redis.call('PEXPIRE', KEYS[2], cap)
        redis.call('HSET', KEYS[1], 'f', ARGV[5], 'p', '', 'c', '', 's', 'a', 'e', string.format('%.0f', ends))
        redis.call('PEXPIRE', KEYS[1], ends - now)
        redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - cap)
        redis.call('ZADD', KEYS[3], now, ARGV[5])
        local excess = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
        if excess > 0 then
            for _, family in ipairs(redis.call('ZRANGE', KEYS[3], 0, excess - 1)) do
                redis.call('DEL', 'rf:' .. family)
            end
            redis.call('ZREMRANGEBYRANK', KEYS[3], 0, excess - 1)
        end
        redis.call('PEXPIRE', KEYS[3], cap)
        return 1
        """
    )

    private static let rotateScript = RedisScript(
        """
        local now, life, cap = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local family, parent, child, state, ends = unpack(redis.call('HMGET', KEYS[1], 'f', 'p', 'c', 's', 'e'))
        if not family then return {'unknown'} end
        local user, began = unpack(redis.call('HMGET', 'rf:' .. family, 'u', 'b'))
        if not user then return {'unknown'} end
        local last = tonumber(began) + cap
        if now >= tonumber(ends) or now >= last then return {'unknown'} end
        if state ~= 'a' then
            redis.call('DEL', 'rf:' .. family)
            redis.call('ZREM', 'ru:' .. user, family)
            return {'reused', user, family}
        end
        if parent ~= '' then
            if redis.call('EXISTS', 'rt:' .. parent) == 1 then redis.call('HSET', 'rt:' .. parent, 's', 'r') end
            redis.call('HSET', KEYS[1], 'p', '')
        end
        if child ~= '' then redis.call('DEL', 'rt:' .. child) end
        local fresh = math.min(now + life, last)
        local text = string.format('%.0f', fresh)
        redis.call('HSET', KEYS[2], 'f', family, 'p', ARGV[5], 'c', '', 's', 'a', 'e', text)
        redis.call('PEXPIRE', KEYS[2], fresh - now)
        redis.call('HSET', KEYS[1], 'c', ARGV[6])
        if ARGV[4] == '1' then
            redis.call('HSET', KEYS[1], 'e', text)
            redis.call('PEXPIRE', KEYS[1], fresh - now)
        end
        return {'granted', user, family}
        """
    )

    private static let revokeScript = RedisScript(
        """
        local family = redis.call('HGET', KEYS[1], 'f')
        if not family then return 0 end
        if redis.call('HGET', 'rf:' .. family, 'u') ~= ARGV[1] then return 0 end
        redis.call('DEL', 'rf:' .. family)
        redis.call('ZREM', KEYS[2], family)
        return 1
        """
    )

    private static let revokeAllScript = RedisScript(
        """
        for _, family in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', 'rf:' .. family) end
        return redis.call('DEL', KEYS[1])
        """
    )
}

extension [UInt8] {
    /// Redis keys are read by people too.
    fileprivate var hexadecimal: String { Digest.hexadecimal(self) }
}

extension Duration {
    /// Cut to milliseconds.
    var fullMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
