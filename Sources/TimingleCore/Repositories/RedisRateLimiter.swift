/// Counts in Redis, by fixed windows that begin with a subject's first request.
///
/// Any thread.
///
/// Fails open: a limit that cannot be counted limits nobody.
package struct RedisRateLimiter: RateLimiter {
    private let client: RedisClient

    package init(client: RedisClient) { self.client = client }

    package func take(scope: String, subject: String, limit: RateLimit, now: Timestamp) async -> RateLimitVerdict? {
        do throws(RedisError) {
            let reply = try await self.client.script(
                Self.script,
                keys: ["rl:\(scope):\(subject)"],
                arguments: [
                    RedisArgument(now.milliseconds), RedisArgument(limit.count),
                    RedisArgument(limit.windowSeconds * 1_000),
                ]
            )
            let answer = try reply.arrayValue()
            guard answer.count == 3 else { return nil }
            let resetMilliseconds = try answer[2].integerValue()
            return RateLimitVerdict(
                allowed: try answer[0].integerValue() == 1,
                limit: limit.count,
                remaining: max(limit.count - (try answer[1].integerValue()), 0),
                resetAt: (resetMilliseconds + 999) / 1_000
            )
        } catch {
            return nil
        }
    }

    private static let script = RedisScript(
        """
        local now, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local count, ends = unpack(redis.call('HMGET', KEYS[1], 'n', 'e'))
        if not count or now >= tonumber(ends) then
            count, ends = 0, now + window
            redis.call('HSET', KEYS[1], 'n', 0, 'e', string.format('%.0f', ends))
            redis.call('PEXPIRE', KEYS[1], window)
        end
        if tonumber(count) >= limit then return {0, tonumber(count), tonumber(ends)} end
        return {1, redis.call('HINCRBY', KEYS[1], 'n', 1), tonumber(ends)}
        """
    )
}
