import Testing
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresOutboxRepositoryTests {
    /// An outbox with `count` changes.
    private static func withOutbox(
        _ count: Int,
        _ body: (PostgresOutboxRepository, PostgresClient, EventWorld) async throws -> Void
    ) async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            for number in 0..<count {
                let start = world.clock.now()
                let draft = EventDraft(title: "\(number)", startTime: start, endTime: start)
                _ = try await world.service.create(draft, by: mina)
            }
            let client = try #require(world.client)
            try await body(PostgresOutboxRepository(client: client), client, world)
        }
    }

    @Test func changesArePublishedOnceInOrder() async throws {
        try await Self.withOutbox(5) { outbox, _, world in
            let written = try await world.changes()
            let seen = Locked<[EventChange]>([])
            let publish: @Sendable ([EventChange]) async -> Set<ChangeID> = { changes in
                seen.withLock { $0 += changes }
                return Set(changes.map(\.id))
            }
            var counts: [Int?] = []
            for _ in 0..<4 { counts.append(try await outbox.relay(limit: 2, publish)) }
            #expect(counts == [2, 2, 1, 0])
            #expect(seen.withLock { $0 } == written)
            let backlog = try await outbox.backlog()
            #expect(backlog == 0)
        }
    }

    @Test func whatWasNotPublishedComesAgain() async throws {
        try await Self.withOutbox(3) { outbox, _, _ in
            let ids = Locked<[[ChangeID]]>([])
            for _ in 0..<3 {
                // A broker that takes one and then goes away.
                _ = try await outbox.relay(limit: 10) { changes in
                    ids.withLock { $0.append(changes.map(\.id)) }
                    return Set(changes.prefix(1).map(\.id))
                }
            }
            let seen = ids.withLock { $0 }
            #expect(seen.map(\.count) == [3, 2, 1])
            #expect(Array(seen[0].dropFirst()) == seen[1])
            let backlog = try await outbox.backlog()
            #expect(backlog == 0)
        }
    }

    @Test func oneRelayWorksAtATime() async throws {
        try await Self.withOutbox(1) { outbox, client, _ in
            let other = PostgresOutboxRepository(client: client)
            let inner = Locked<Int??>(nil)
            let outer = try await outbox.relay(limit: 1) { changes in
                let result = try? await other.relay(limit: 1) { Set($0.map(\.id)) }
                inner.withLock { $0 = result }
                return Set(changes.map(\.id))
            }
            #expect(outer == 1)
            #expect(inner.withLock { $0 } == .some(.none))
            let next = try await other.relay(limit: 1) { Set($0.map(\.id)) }
            #expect(next == 0)
        }
    }

    @Test func aRowThatNobodyCanReadIsSetAside() async throws {
        try await Self.withOutbox(2) { outbox, client, _ in
            try await client.query(
                "UPDATE event_outbox SET payload = '{}' WHERE id = (SELECT min(id) FROM event_outbox)"
            )
            let published = try await outbox.relay(limit: 10) { Set($0.map(\.id)) }
            #expect(published == 1)
            let backlog = try await outbox.backlog()
            #expect(backlog == 0)
            let parked = try await client.query(
                "SELECT error FROM event_outbox WHERE published_at IS NULL AND error IS NOT NULL"
            )
            #expect(parked.rowCount == 1)
        }
    }

    @Test func publishedRowsAreRemovedAfterAWeek() async throws {
        try await Self.withOutbox(3) { outbox, client, _ in
            _ = try await outbox.relay(limit: 2) { Set($0.map(\.id)) }
            try await client.query(
                """
                UPDATE event_outbox SET published_at = published_at - interval '8 days'
                WHERE id = (SELECT min(id) FROM event_outbox)
                """
            )
            _ = try await outbox.relay(limit: 2) { _ in [] }
            let left = try await client.query("SELECT published_at IS NULL AS waits FROM event_outbox ORDER BY id")
            #expect(try left.map { try $0.decode("waits", as: Bool.self) } == [false, true])
        }
    }

    @Test func aChangeIsTheSameAfterItsJourney() async throws {
        try await Self.withOutbox(1) { _, client, world in
            let change = try #require(try await world.changes().first)
            let again = try EventChange(json: change.json())
            #expect(again == change)
            #expect(change.subject == "event.created")
            let row = try await client.query("SELECT subject, change_id, event_id, created_at FROM event_outbox")[0]
            #expect(try row.decode("subject", as: String.self) == "event.created")
            #expect(try row.decode("change_id", as: ChangeID.self) == change.id)
            #expect(try row.decode("created_at", as: Timestamp.self) == change.changedAt)
        }
    }
}
