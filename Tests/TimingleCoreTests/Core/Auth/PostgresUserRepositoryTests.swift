import Testing
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does")
)
struct PostgresUserRepositoryTests {
    @Test func usersAreMadeOnceReadChangedAndNeverLost() async throws {
        try await withTestDatabase { client, _ in
            let users = PostgresUserRepository(client: client)
            let phone = "+821000000001"
            // Twenty at once: one makes the row, all get it.
            let results = try await withThrowingTaskGroup(of: (UserID, Bool).self) { tasks in
                for number in 0..<20 {
                    tasks.addTask {
                        let made = try await users.createUser(NewUser(phone: phone, name: "n\(number)"))
                        return (made.user.id, made.created)
                    }
                }
                return try await tasks.reduce(into: [(UserID, Bool)]()) { $0.append($1) }
            }
            #expect(Set(results.map(\.0)).count == 1)
            #expect(results.filter(\.1).count == 1)
            let id = results[0].0
            let read = try #require(try await users.user(phone: phone))
            #expect(read.id == id && read.timezone == "UTC" && read.language == "ko" && read.interests.isEmpty)
            #expect(read.role == .user && read.status == .active && read.phoneVerifiedAt == nil)
            let nobody = try await users.user(id: UserID(rawValue: .max))
            #expect(nobody == nil)

            var patch = UserPatch()
            patch.name = "O'Brien; DROP TABLE users"
            patch.email = .some("o@example.com")
            patch.interests = ["a,b", "{\"c\"}", "NULL"]
            let changed = try #require(try await users.updateUser(id: id, patch: patch))
            #expect(changed.name == patch.name && changed.email == "o@example.com")
            #expect(changed.interests == ["a,b", "{\"c\"}", "NULL"])
            #expect(changed.updatedAt >= read.updatedAt && changed.createdAt == read.createdAt)
            var clearing = UserPatch()
            clearing.email = .some(nil)
            let cleared = try await users.updateUser(id: id, patch: clearing)
            #expect(cleared?.email == nil && cleared?.name == patch.name)
            let missing = try await users.updateUser(id: UserID(rawValue: .max), patch: clearing)
            #expect(missing == nil)

            let time = Timestamp(milliseconds: 1_768_471_200_123)
            try await users.markPhoneVerified(id: id, at: time)
            try await users.markPhoneVerified(id: id, at: time + .seconds(-60))
            let proven = try await users.user(id: id)
            #expect(proven?.phoneVerifiedAt == time)

            let other = try await users.createUser(NewUser(phone: "+821000000002", name: nil, phoneVerifiedAt: time))
                .user
            #expect(other.phoneVerifiedAt == time && other.name == nil)
            try await client.query("UPDATE users SET status = 'SUSPENDED' WHERE id = \(other.id)")
            let active = try await users.activeUsers(ids: [id, other.id, UserID(rawValue: .max)])
            #expect(active.map(\.id) == [id])
            let none = try await users.activeUsers(ids: [])
            #expect(none.isEmpty)
        }
    }

    @Test func aClosedClientIsUnavailable() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            await client.close()
            let users = PostgresUserRepository(client: client)
            do throws(StoreError) {
                _ = try await users.user(phone: "+821000000001")
                Issue.record("read without a connection")
            } catch {
                guard case .unavailable = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
