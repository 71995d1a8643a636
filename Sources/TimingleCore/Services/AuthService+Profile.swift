/// The own profile, and what others may see of somebody.
extension AuthService {
    package func me(userID: UserID) async throws(ServiceError) -> User {
        guard let user = try await self.activeUser(userID, fresh: true) else { throw .userNotFound }
        return user
    }

    /// Changes the given fields; a field that breaks a rule changes none.
    package func updateMe(userID: UserID, patch: UserPatch) async throws(ServiceError) -> User {
        let checked = try UserRules.checked(patch)
        let updated: User?
        do throws(StoreError) {
            updated = try await self.ports.users.updateUser(id: userID, patch: checked)
        } catch {
            throw error.asServiceError
        }
        guard let updated else { throw .userNotFound }
        self.userCache.insert(CachedUser(user: updated, loadedAt: self.ports.clock.now()), for: userID)
        return updated
    }

    /// Somebody as others see him; the caller leaves phone and e-mail out of the answer.
    package func publicProfile(userID: UserID) async throws(ServiceError) -> User {
        guard let user = try await self.activeUser(userID, fresh: false) else { throw .userNotFound }
        return user
    }
}
