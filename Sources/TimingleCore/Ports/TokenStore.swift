/// A refresh token as the store knows it.
package struct RefreshGrant: Sendable, Equatable {
    package let userID: UserID
    package let familyID: Identifier128

    package init(userID: UserID, familyID: Identifier128) {
        self.userID = userID
        self.familyID = familyID
    }
}

/// What came of presenting a refresh token.
package enum RefreshOutcome: Sendable, Equatable {
    /// Good: the child is stored, the parent stays good until the child is first used.
    case granted(RefreshGrant)
    /// Unknown or expired.
    case unknown
    /// A retired token came back: its whole family has been revoked.
    case reused(RefreshGrant)
}

/// Refresh tokens: only their SHA-256 is kept, with lazy rotation by families (`contract.md` 4.10).
package protocol TokenStore: Sendable {
    /// Starts a family with its first token.
    func begin(_ grant: RefreshGrant, tokenHash: [UInt8], now: Timestamp) async throws(StoreError)
    /// Uses `tokenHash` and stores `childHash` as its only unused child.
    func rotate(tokenHash: [UInt8], childHash: [UInt8], now: Timestamp) async throws(StoreError) -> RefreshOutcome
    /// Revokes the family of one token of this user; unknown tokens are ignored.
    func revoke(tokenHash: [UInt8], user: UserID) async throws(StoreError)
    /// Revokes all families of a user.
    func revokeAll(user: UserID) async throws(StoreError)
}
