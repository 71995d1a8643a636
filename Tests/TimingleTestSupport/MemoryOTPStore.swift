package import TimingleCore

/// `OTPStore` in memory.
package final class MemoryOTPStore: OTPStore {
    private struct Verification {
        let phone: String
        let codeHash: [UInt8]
        let endsAt: Timestamp
        var wrong = 0
        var provenAt: Timestamp?
    }

    private struct State {
        var verifications: [Identifier128: Verification] = [:]
        var open: [String: Identifier128] = [:]
        var windows: [String: (count: Int64, endsAt: Timestamp)] = [:]
        var isAway = false
    }

    private let state = Locked(State())
    private let policy: OTPPolicy

    package init(policy: OTPPolicy = OTPPolicy()) { self.policy = policy }

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    private func with<Result>(_ body: (inout State) -> Result) throws(StoreError) -> Result {
        let result: Result? = self.state.withLock { state in
            state.isAway ? nil : body(&state)
        }
        guard let result else { throw .unavailable("the memory store plays dead") }
        return result
    }

    package func begin(
        verificationID: Identifier128,
        phone: String,
        codeHash: [UInt8],
        ipAddress: String,
        now: Timestamp
    ) async throws(StoreError) -> OTPBeginOutcome {
        let limits = [
            ("m\(phone)", self.policy.perPhone), ("d\(phone)", self.policy.perPhoneDaily),
            ("i\(ipAddress)", self.policy.perAddress),
        ]
        return try self.with { state -> OTPBeginOutcome in
            var wait: Int64 = 0
            for (key, limit) in limits {
                guard let window = state.windows[key], now < window.endsAt, window.count >= limit.count else {
                    continue
                }
                wait = max(wait, window.endsAt.milliseconds - now.milliseconds)
            }
            guard wait == 0 else { return .limited(retryAfterSeconds: (wait + 999) / 1_000) }
            for (key, limit) in limits {
                if let window = state.windows[key], now < window.endsAt {
                    state.windows[key] = (window.count + 1, window.endsAt)
                } else {
                    state.windows[key] = (1, now + .seconds(limit.windowSeconds))
                }
            }
            if let open = state.open[phone] { state.verifications[open] = nil }
            state.open[phone] = verificationID
            state.verifications[verificationID] = Verification(
                phone: phone,
                codeHash: codeHash,
                endsAt: now + self.policy.lifetime
            )
            return .begun
        }
    }

    package func check(
        verificationID: Identifier128,
        codeHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> OTPCheckOutcome {
        try self.with { state -> OTPCheckOutcome in
            guard
                var verification = state.verifications[verificationID], verification.provenAt == nil,
                now < verification.endsAt
            else { return .expired }
            if verification.codeHash == codeHash {
                verification.provenAt = now
                state.verifications[verificationID] = verification
                state.open[verification.phone] = nil
                return .verified(phone: verification.phone)
            }
            verification.wrong += 1
            guard verification.wrong < self.policy.attemptsMax else {
                state.verifications[verificationID] = nil
                state.open[verification.phone] = nil
                return .exhausted
            }
            state.verifications[verificationID] = verification
            return .wrong(attemptsLeft: self.policy.attemptsMax - verification.wrong)
        }
    }

    package func provenPhone(
        verificationID: Identifier128,
        codeHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> String? {
        try self.with { state -> String? in
            guard let verification = state.verifications[verificationID], let provenAt = verification.provenAt else {
                return nil
            }
            guard verification.codeHash == codeHash, now < provenAt + self.policy.provenLifetime else {
                state.verifications[verificationID] = nil
                return nil
            }
            return verification.phone
        }
    }
}
