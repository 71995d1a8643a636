package import TimingleCore

/// `TokenStore` in memory: the rules of lazy rotation written a second time, without Lua.
package final class MemoryTokenStore: TokenStore {
    private struct Token {
        let family: Identifier128
        var parent: [UInt8]?
        var child: [UInt8]?
        var isRetired = false
        var endsAt: Timestamp
    }

    private struct State {
        var tokens: [[UInt8]: Token] = [:]
        var families: [Identifier128: (grant: RefreshGrant, endsAt: Timestamp)] = [:]
        var isAway = false
    }

    private let state = Locked(State())
    private let policy: RefreshTokenPolicy

    package init(policy: RefreshTokenPolicy = RefreshTokenPolicy()) { self.policy = policy }

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

    package func begin(_ grant: RefreshGrant, tokenHash: [UInt8], now: Timestamp) async throws(StoreError) {
        try self.with { state in
            state.families[grant.familyID] = (grant, now + self.policy.familyLifetime)
            let end = now + min(self.policy.lifetime, self.policy.familyLifetime)
            state.tokens[tokenHash] = Token(family: grant.familyID, endsAt: end)
        }
    }

    package func rotate(
        tokenHash: [UInt8],
        childHash: [UInt8],
        now: Timestamp
    ) async throws(StoreError) -> RefreshOutcome {
        try self.with { state -> RefreshOutcome in
            guard
                var token = state.tokens[tokenHash], let family = state.families[token.family], now < token.endsAt,
                now < family.endsAt
            else { return .unknown }
            guard !token.isRetired else {
                state.families[token.family] = nil
                return .reused(family.grant)
            }
            if let parent = token.parent { state.tokens[parent]?.isRetired = true }
            if let child = token.child { state.tokens[child] = nil }
            let end = min(now + self.policy.lifetime, family.endsAt)
            token.parent = nil
            token.child = childHash
            if self.policy.isSliding { token.endsAt = end }
            state.tokens[tokenHash] = token
            state.tokens[childHash] = Token(family: token.family, parent: tokenHash, endsAt: end)
            return .granted(family.grant)
        }
    }

    package func revoke(tokenHash: [UInt8], user: UserID) async throws(StoreError) {
        try self.with { state in
            guard
                let family = state.tokens[tokenHash]?.family, state.families[family]?.grant.userID == user
            else { return }
            state.families[family] = nil
        }
    }

    package func revokeAll(user: UserID) async throws(StoreError) {
        try self.with { state in
            state.families = state.families.filter { $0.value.grant.userID != user }
        }
    }
}
