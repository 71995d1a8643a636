/// People in PostgreSQL's `users`.
///
/// Any thread.
package struct PostgresUserRepository: UserStore {
    private let client: PostgresClient

    package init(client: PostgresClient) { self.client = client }

    private static let columns: PostgresStatement =
        """
        id, phone, name, display_name, email, profile_image_url, region, interests, timezone, language, role, status, \
        phone_verified_at, created_at, updated_at
        """

    package func user(id: UserID) async throws(StoreError) -> User? {
        try await self.users("SELECT \(Self.columns) FROM users WHERE id = \(id)").first
    }

    package func user(phone: String) async throws(StoreError) -> User? {
        try await self.users("SELECT \(Self.columns) FROM users WHERE phone = \(phone)").first
    }

    package func activeUsers(ids: [UserID]) async throws(StoreError) -> [User] {
        guard !ids.isEmpty else { return [] }
        guard ids.count <= 200 else { throw .rejected("\(ids.count) users in one look-up") }
        return try await self.users(
            "SELECT \(Self.columns) FROM users WHERE id = ANY(\(ids)) AND status = 'ACTIVE'"
        )
    }

    package func createUser(_ user: NewUser) async throws(StoreError) -> (user: User, created: Bool) {
        let inserted = try await self.users(
            """
            INSERT INTO users (phone, name, timezone, language, phone_verified_at)
            VALUES (\(user.phone), \(user.name), \(user.timezone), \(user.language), \(user.phoneVerifiedAt))
            ON CONFLICT (phone) DO NOTHING RETURNING \(Self.columns)
            """
        )
        if let created = inserted.first { return (created, true) }
        // Nobody is ever deleted, so whoever was in the way is still there; only a change of phone could race.
        guard let existing = try await self.user(phone: user.phone) else { throw .unavailable("the phone just moved") }
        return (existing, false)
    }

    package func updateUser(id: UserID, patch: UserPatch) async throws(StoreError) -> User? {
        var changes: [PostgresStatement] = []
        if let name = patch.name { changes.append("name = \(name)") }
        if let displayName = patch.displayName { changes.append("display_name = \(displayName)") }
        if let email = patch.email { changes.append("email = \(email)") }
        if let url = patch.profileImageURL { changes.append("profile_image_url = \(url)") }
        if let region = patch.region { changes.append("region = \(region)") }
        if let interests = patch.interests { changes.append("interests = \(interests)") }
        if let timezone = patch.timezone { changes.append("timezone = \(timezone)") }
        if let language = patch.language { changes.append("language = \(language)") }
        guard let first = changes.first else { return try await self.user(id: id) }
        let list = changes.dropFirst().reduce(first) { "\($0), \($1)" }
        return try await self.users(
            "UPDATE users SET \(list) WHERE id = \(id) AND status <> 'DELETED' RETURNING \(Self.columns)"
        ).first
    }

    package func markPhoneVerified(id: UserID, at time: Timestamp) async throws(StoreError) {
        // Signing in by a code is no change of the profile that others see, but the row's trigger stamps it anyway.
        _ = try await self.users(
            """
            UPDATE users SET phone_verified_at = \(time)
            WHERE id = \(id) AND (phone_verified_at IS NULL OR phone_verified_at < \(time)) RETURNING \(Self.columns)
            """
        )
    }

    private func users(_ statement: PostgresStatement) async throws(StoreError) -> [User] {
        do throws(PostgresError) {
            var users: [User] = []
            for row in try await self.client.query(statement) { users.append(try Self.user(row)) }
            return users
        } catch {
            throw Self.storeError(error)
        }
    }

    private static func user(_ row: PostgresRow) throws(PostgresError) -> User {
        User(
            id: try row.decode("id"),
            phone: try row.decode("phone"),
            name: try row.decode("name"),
            displayName: try row.decode("display_name"),
            email: try row.decode("email"),
            profileImageURL: try row.decode("profile_image_url"),
            region: try row.decode("region"),
            interests: try row.decode("interests", as: [String]?.self) ?? [],
            timezone: try row.decode("timezone"),
            language: try row.decode("language"),
            role: try row.decode("role"),
            status: try row.decode("status"),
            phoneVerifiedAt: try row.decode("phone_verified_at"),
            createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at")
        )
    }

    private static func storeError(_ error: PostgresError) -> StoreError {
        if error.isTransient || error.isConflict || error.code == .closed || error.code == .cancelled {
            return .unavailable(error.description)
        }
        if error.isUniqueViolation { return .conflict(constraint: error.constraint ?? "") }
        return .rejected(error.description)
    }
}
