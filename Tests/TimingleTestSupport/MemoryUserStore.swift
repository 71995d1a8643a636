package import TimingleCore

/// `UserStore` in memory, and a store that can be away.
package final class MemoryUserStore: UserStore {
    private struct State {
        var users: [UserID: User] = [:]
        var lastID: Int64 = 0
        var isAway = false
        var reads = 0
    }

    private let state = Locked(State())
    private let clock: any WallClock

    package init(clock: any WallClock) { self.clock = clock }

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    /// How often a single user was read.
    package var reads: Int { self.state.withLock { $0.reads } }

    /// What an administrator would do by hand.
    package func change(_ id: UserID, _ body: (inout User) -> Void) {
        self.state.withLock { state in
            if var user = state.users[id] {
                body(&user)
                state.users[id] = user
            }
        }
    }

    private func with<Result>(_ body: (inout State) -> Result) throws(StoreError) -> Result {
        let result: Result? = self.state.withLock { state in
            state.isAway ? nil : body(&state)
        }
        guard let result else { throw .unavailable("the memory store plays dead") }
        return result
    }

    package func user(id: UserID) async throws(StoreError) -> User? {
        try self.with { state -> User? in
            state.reads += 1
            return state.users[id]
        }
    }

    package func user(phone: String) async throws(StoreError) -> User? {
        try self.with { state in state.users.values.first { $0.phone == phone } }
    }

    package func activeUsers(ids: [UserID]) async throws(StoreError) -> [User] {
        guard ids.count <= 200 else { throw .rejected("too many users in one look-up") }
        return try self.with { state in
            Set(ids).compactMap { state.users[$0] }.filter { $0.status == .active }
        }
    }

    package func createUser(_ new: NewUser) async throws(StoreError) -> (user: User, created: Bool) {
        let now = self.clock.now()
        return try self.with { state -> (user: User, created: Bool) in
            if let user = state.users.values.first(where: { $0.phone == new.phone }) { return (user, false) }
            state.lastID += 1
            let user = User(
                id: UserID(rawValue: state.lastID),
                phone: new.phone,
                name: new.name,
                timezone: new.timezone,
                language: new.language,
                phoneVerifiedAt: new.phoneVerifiedAt,
                createdAt: now,
                updatedAt: now
            )
            state.users[user.id] = user
            return (user, true)
        }
    }

    package func updateUser(id: UserID, patch: UserPatch) async throws(StoreError) -> User? {
        let now = self.clock.now()
        return try self.with { state -> User? in
            guard var user = state.users[id], user.status != .deleted else { return nil }
            if let name = patch.name { user.name = name }
            if let displayName = patch.displayName { user.displayName = displayName }
            if let email = patch.email { user.email = email }
            if let url = patch.profileImageURL { user.profileImageURL = url }
            if let region = patch.region { user.region = region }
            if let interests = patch.interests { user.interests = interests }
            if let timezone = patch.timezone { user.timezone = timezone }
            if let language = patch.language { user.language = language }
            user.updatedAt = now
            state.users[id] = user
            return user
        }
    }

    package func markPhoneVerified(id: UserID, at time: Timestamp) async throws(StoreError) {
        try self.with { state in
            let old = state.users[id]?.phoneVerifiedAt
            state.users[id]?.phoneVerifiedAt = max(old ?? time, time)
        }
    }
}
