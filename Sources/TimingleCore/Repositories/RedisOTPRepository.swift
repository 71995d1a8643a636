/// The numbers of one-time codes (`contract.md` 4.8).
///
/// Immutable.
package struct OTPPolicy: Sendable, Equatable {
    package var lifetime: Duration = .seconds(300)
    package var attemptsMax = 5
    /// How long a code that was right still proves the phone.
    package var provenLifetime: Duration = .seconds(600)
    package var perPhone = RateLimit(count: 1, windowSeconds: 60)
    package var perPhoneDaily = RateLimit(count: 5, windowSeconds: 86_400)
    package var perAddress = RateLimit(count: 20, windowSeconds: 3_600)

    package init() {}
}

/// One-time codes in Redis, each operation one script.
///
/// Any thread; fails closed.
///
/// - `otp:<verification>`: phone `p`, hash of the code `h`, wrong attempts `n`, end `e`, and `v` once it was right.
/// - `otp:phone:<phone>`: the phone's only open verification.
/// - `rl:otp…`: what was sent, per phone and per address.
package struct RedisOTPRepository: OTPStore {
    private let client: RedisClient
    private let policy: OTPPolicy

    package init(client: RedisClient, policy: OTPPolicy = OTPPolicy()) {
        self.client = client
        self.policy = policy
    }

    package func begin(
        verificationID: Identifier128,
        phone: String,
        codeHash: [UInt8],
        ipAddress: String,
        now: Timestamp
    ) async throws(StoreError) -> OTPBeginOutcome {
        var arguments = [
            RedisArgument(now.milliseconds), RedisArgument(self.policy.lifetime.fullMilliseconds),
            RedisArgument(verificationID.description), RedisArgument(phone),
            RedisArgument(Digest.hexadecimal(codeHash)),
        ]
        for limit in [self.policy.perPhone, self.policy.perPhoneDaily, self.policy.perAddress] {
            arguments += [RedisArgument(limit.count), RedisArgument(limit.windowSeconds * 1_000)]
        }
        let reply = try await self.run(
            Self.beginScript,
            keys: [
                "otp:\(verificationID)", "otp:phone:\(phone)", "rl:otp:\(phone)", "rl:otp-day:\(phone)",
                "rl:otp-ip:\(ipAddress)",
            ],
            arguments: arguments
        )
        let wait = try self.read { () throws(RedisError) in try reply.integerValue() }
        return wait == 0 ? .begun : .limited(retryAfterSeconds: (wait + 999) / 1_000)
    }

    package func check(
        verificationID: Identifier128,
        codeHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> OTPCheckOutcome {
        let reply = try await self.run(
            Self.checkScript,
            keys: ["otp:\(verificationID)"],
            arguments: [
                RedisArgument(now.milliseconds), RedisArgument(Digest.hexadecimal(codeHash)),
                RedisArgument(self.policy.attemptsMax), RedisArgument(self.policy.provenLifetime.fullMilliseconds),
            ]
        )
        return try self.read { () throws(RedisError) -> OTPCheckOutcome in
            let answer = try reply.arrayValue()
            guard let word = try answer.first?.textValue() else {
                throw RedisError(.unexpectedReply, "an empty answer")
            }
            switch (word, answer.count) {
            case ("expired", _): return .expired
            case ("exhausted", _): return .exhausted
            case ("wrong", 2): return .wrong(attemptsLeft: Int(clamping: try answer[1].integerValue()))
            case ("verified", 2):
                guard let phone = try answer[1].textValue() else { throw RedisError(.unexpectedReply, "no phone") }
                return .verified(phone: phone)
            default: throw RedisError(.unexpectedReply, "unknown word \(word)")
            }
        }
    }

    package func provenPhone(
        verificationID: Identifier128,
        codeHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> String? {
        let reply = try await self.run(
            Self.provenScript,
            keys: ["otp:\(verificationID)"],
            arguments: [
                RedisArgument(now.milliseconds), RedisArgument(Digest.hexadecimal(codeHash)),
                RedisArgument(self.policy.provenLifetime.fullMilliseconds),
            ]
        )
        return try self.read { () throws(RedisError) in try reply.textValue() }
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

    private func read<Value>(_ body: () throws(RedisError) -> Value) throws(StoreError) -> Value {
        do throws(RedisError) {
            return try body()
        } catch {
            throw error.asStoreError
        }
    }

    /// Returns 0, or the milliseconds until the last of the limits that are reached is over; then nothing changes.
    private static let beginScript = RedisScript(
        """
        local now, life = tonumber(ARGV[1]), tonumber(ARGV[2])
        local wait = 0
        for i = 0, 2 do
            local count, ends = unpack(redis.call('HMGET', KEYS[3 + i], 'n', 'e'))
            if count and now < tonumber(ends) and tonumber(count) >= tonumber(ARGV[6 + 2 * i]) then
                wait = math.max(wait, tonumber(ends) - now)
            end
        end
        if wait > 0 then return wait end
        for i = 0, 2 do
            local ends = redis.call('HGET', KEYS[3 + i], 'e')
            if ends and now < tonumber(ends) then
                redis.call('HINCRBY', KEYS[3 + i], 'n', 1)
            else
                local window = tonumber(ARGV[7 + 2 * i])
                redis.call('HSET', KEYS[3 + i], 'n', 1, 'e', string.format('%.0f', now + window))
                redis.call('PEXPIRE', KEYS[3 + i], window)
            end
        end
        local open = redis.call('GET', KEYS[2])
        if open then redis.call('DEL', 'otp:' .. open) end
        local ends = string.format('%.0f', now + life)
        redis.call('HSET', KEYS[1], 'p', ARGV[4], 'h', ARGV[5], 'n', 0, 'e', ends)
        redis.call('PEXPIRE', KEYS[1], life)
        redis.call('SET', KEYS[2], ARGV[3], 'PX', life)
        return 0
        """
    )

    // What is compared are keyed hashes: how long that takes says nothing about the code.
    private static let checkScript = RedisScript(
        """
        local now = tonumber(ARGV[1])
        local phone, hash, count, ends, proven = unpack(redis.call('HMGET', KEYS[1], 'p', 'h', 'n', 'e', 'v'))
        if not phone or proven or now >= tonumber(ends) then return {'expired'} end
        if hash == ARGV[2] then
            redis.call('HSET', KEYS[1], 'v', ARGV[1])
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
            redis.call('DEL', 'otp:phone:' .. phone)
            return {'verified', phone}
        end
        local left = tonumber(ARGV[3]) - redis.call('HINCRBY', KEYS[1], 'n', 1)
        if left > 0 then return {'wrong', left} end
        redis.call('DEL', KEYS[1], 'otp:phone:' .. phone)
        return {'exhausted'}
        """
    )

    private static let provenScript = RedisScript(
        """
        local phone, hash, proven = unpack(redis.call('HMGET', KEYS[1], 'p', 'h', 'v'))
        if not proven then return false end
        if hash == ARGV[2] and tonumber(ARGV[1]) < tonumber(proven) + tonumber(ARGV[3]) then return phone end
        redis.call('DEL', KEYS[1])
        return false
        """
    )
}
