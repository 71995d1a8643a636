package import TimingleCore

/// `RateLimiter` in memory; `isAway` makes it fail open as the real one does.
package final class MemoryRateLimiter: RateLimiter {
    private struct State {
        var windows: [String: (count: Int64, endsAt: Timestamp)] = [:]
        var isAway = false
    }

    private let state = Locked(State())

    package init() {}

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    package func take(scope: String, subject: String, limit: RateLimit, now: Timestamp) async -> RateLimitVerdict? {
        self.state.withLock { state in
            guard !state.isAway else { return nil }
            let key = "\(scope):\(subject)"
            var window = state.windows[key] ?? (0, now)
            if now >= window.endsAt { window = (0, now + .seconds(limit.windowSeconds)) }
            let allowed = window.count < limit.count
            if allowed { window.count += 1 }
            state.windows[key] = window
            return RateLimitVerdict(
                allowed: allowed,
                limit: limit.count,
                remaining: limit.count - window.count,
                resetAt: (window.endsAt.milliseconds + 999) / 1_000
            )
        }
    }
}

/// Keeps what would have been sent.
package final class RecordingSMSSender: SMSSender {
    package struct Refused: Error {}

    private let sent = Locked<[(phone: String, code: String)]>([])
    private let refusing = Locked(false)

    package init() {}

    package var isRefusing: Bool {
        get { self.refusing.withLock { $0 } }
        set { self.refusing.withLock { $0 = newValue } }
    }

    package var count: Int { self.sent.withLock { $0.count } }
    /// The last code that went to `phone`.
    package func code(for phone: String) -> String? {
        self.sent.withLock { sent in sent.last { $0.phone == phone }?.code }
    }

    package func send(code: String, to phone: String, language: Language) async throws {
        if self.isRefusing { throw Refused() }
        self.sent.withLock { $0.append((phone, code)) }
    }
}

/// Keeps what was reported.
package final class RecordingAuthAudit: AuthAudit {
    private let recorded = Locked<[AuthAuditEvent]>([])

    package init() {}

    package var kinds: [AuthAuditEvent.Kind] { self.recorded.withLock { $0.map(\.kind) } }
    package func record(_ event: AuthAuditEvent) { self.recorded.withLock { $0.append(event) } }
}
