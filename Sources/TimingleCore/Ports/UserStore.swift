/// A user about to be created.
package struct NewUser: Sendable, Equatable {
    package var phone: String
    package var name: String?
    package var timezone: String
    package var language: String
    package var phoneVerifiedAt: Timestamp?

    package init(
        phone: String,
        name: String?,
        timezone: String = "UTC",
        language: String = "ko",
        phoneVerifiedAt: Timestamp? = nil
    ) {
        self.phone = phone
        self.name = name
        self.timezone = timezone
        self.language = language
        self.phoneVerifiedAt = phoneVerifiedAt
    }
}

/// Where people are kept.
package protocol UserStore: Sendable {
    func user(id: UserID) async throws(StoreError) -> User?
    /// `phone` is E.164.
    func user(phone: String) async throws(StoreError) -> User?
    /// The given users that exist and are active, in no order; at most 200 ids.
    func activeUsers(ids: [UserID]) async throws(StoreError) -> [User]
    /// Creates the user; if somebody has the phone already, returns that user with `created` false.
    func createUser(_ user: NewUser) async throws(StoreError) -> (user: User, created: Bool)
    /// Changes the given fields; nil when there is no such user.
    func updateUser(id: UserID, patch: UserPatch) async throws(StoreError) -> User?
    /// Remembers that the phone was proven; never moves the time back.
    func markPhoneVerified(id: UserID, at time: Timestamp) async throws(StoreError)
}
