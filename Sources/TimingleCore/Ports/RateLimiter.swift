/// A fixed-window limit.
package struct RateLimit: Sendable, Equatable {
    package let count: Int64
    package let windowSeconds: Int64

    package init(count: Int64, windowSeconds: Int64) {
        self.count = count
        self.windowSeconds = windowSeconds
    }
}

/// Whether one more is fine, and what to tell the client (`X-RateLimit-*`).
package struct RateLimitVerdict: Sendable, Equatable {
    package let allowed: Bool
    package let limit: Int64
    package let remaining: Int64
    /// Unix seconds.
    package let resetAt: Int64

    package init(allowed: Bool, limit: Int64, remaining: Int64, resetAt: Int64) {
        self.allowed = allowed
        self.limit = limit
        self.remaining = remaining
        self.resetAt = resetAt
    }
}

/// Counts requests by scope and subject.
///
/// Fails open: nil when the counter is away.
package protocol RateLimiter: Sendable {
    func take(scope: String, subject: String, limit: RateLimit, now: Timestamp) async -> RateLimitVerdict?
}
