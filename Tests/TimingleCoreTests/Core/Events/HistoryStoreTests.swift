import Testing
import TimingleTestSupport

@testable import TimingleCore

/// What the history store promises, and what its service lets through.
@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct HistoryStoreTests {
    enum Kind: String, Sendable, CaseIterable {
        case postgres
        case cql

        /// The events are in PostgreSQL in any case.
        static var all: [Kind] { allCases.filter { $0 == .postgres || TestServices.hasCQL } }
    }

    private static let start = Timestamp(milliseconds: 1_768_500_000_000)

    private static func draft(_ people: [Requester] = []) -> EventDraft {
        EventDraft(
            title: "기록",
            startTime: start,
            endTime: start,
            participantIDs: people.map(\.userID.rawValue)
        )
    }

    /// A world whose history is in a store of that kind.
    private static func with(
        _ kind: Kind,
        _ body: (EventWorld, any HistoryStore) async throws -> Void
    ) async throws {
        try await EventWorld.with(.postgres) { world in
            let client = try #require(world.client)
            switch kind {
            case .postgres:
                try await body(world, PostgresHistoryRepository(client: client))
            case .cql:
                // All tests share one keyspace.
                try await client.query(
                    "SELECT setval(pg_get_serial_sequence('events', 'id'), \(EventID.unused().rawValue))"
                )
                try await withTestStores { stores, _ in try await body(world, stores.history) }
            }
        }
    }

    /// Renames `count` times, and writes everything that the outbox holds into the history.
    private static func makeHistory(
        _ world: EventWorld,
        _ store: any HistoryStore,
        _ id: EventID,
        by mina: Requester,
        renames count: Int
    ) async throws -> [HistoryEntry] {
        for number in 0..<count {
            var patch = EventPatch()
            patch.title = "기록 \(number)"
            patch.location = "곳 \(number)"
            _ = try await world.service.update(id, patch, by: mina)
        }
        let entries = try await world.changes().flatMap(\.entries)
        try await store.append(entries)
        return entries
    }

    @Test(arguments: Kind.all)
    func entriesComeBackAsTheyWentNewestFirst(_ kind: Kind) async throws {
        try await Self.with(kind) { world, store in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft(), by: mina).details.event.id
            let entries = try await Self.makeHistory(world, store, id, by: mina, renames: 3)
            #expect(entries.count == 7)
            try await store.append(entries.reversed())
            try await store.append([])
            let page = try await store.page(event: id, before: nil, limit: 200)
            #expect(page == entries.reversed())
            let none = try await store.page(event: EventID(rawValue: 404_404), before: nil, limit: 200)
            #expect(none.isEmpty)
        }
    }

    @Test(arguments: Kind.all)
    func membersPageThroughItByChangeID(_ kind: Kind) async throws {
        try await Self.with(kind) { world, store in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            let stranger = try await world.person("남")
            let id = try await world.service.create(Self.draft([jun]), by: mina).details.event.id
            let entries = try await Self.makeHistory(world, store, id, by: mina, renames: 60)
            let service = HistoryService(events: world.store, history: store)
            let first = try await service.page(event: id, before: nil, by: jun)
            #expect(first.count == 100)
            var all: [HistoryEntry] = []
            var before: String?
            while true {
                let page = try await service.page(event: id, before: before, limit: 7, by: mina)
                guard let last = page.last else { break }
                all += page
                before = last.changeID.description
            }
            #expect(all == entries.reversed())

            func code(_ event: EventID, _ before: String?, _ requester: Requester) async -> String? {
                do {
                    _ = try await service.page(event: event, before: before, by: requester)
                    return nil
                } catch {
                    return error.code
                }
            }
            let unknown = await code(EventID(rawValue: 404_404), nil, mina)
            #expect(unknown == "EVENT_NOT_FOUND")
            let denied = await code(id, nil, stranger)
            #expect(denied == "EVENT_ACCESS_DENIED")
            for text in ["", "7", "yesterday", "00000000-0000-4000-8000-000000000000"] {
                let invalid = await code(id, text, mina)
                #expect(invalid == "VALIDATION_ERROR", "\(text)")
            }
            _ = try await world.service.decline(id, by: jun)
            let out = await code(id, nil, jun)
            #expect(out == "EVENT_ACCESS_DENIED")
        }
    }

    @Test(arguments: Kind.all)
    func poisonIsRejectedAsAWhole(_ kind: Kind) async throws {
        try await Self.with(kind) { world, store in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft(), by: mina).details.event.id
            let entries = try await Self.makeHistory(world, store, id, by: mina, renames: 0)
            func entry(event: EventID, name: String) -> HistoryEntry {
                HistoryEntry(
                    changeID: ChangeID(rawValue: .version7(milliseconds: 5, random: (1, UInt64(name.utf8.count)))),
                    eventID: event,
                    actorID: .system,
                    actorName: name,
                    changeType: .done,
                    changedAt: Timestamp(milliseconds: 5)
                )
            }
            // That there is such an event, only PostgreSQL can know.
            let unknown = kind == .postgres ? [entry(event: EventID(rawValue: 404_404), name: "")] : []
            for bad in unknown + [entry(event: id, name: "\0")] {
                do throws(StoreError) {
                    try await store.append([entry(event: id, name: "good"), bad])
                    Issue.record("poison was stored")
                } catch {
                    guard case .rejected = error else {
                        Issue.record("\(error)")
                        continue
                    }
                }
            }
            let page = try await store.page(event: id, before: nil, limit: 10)
            #expect(page == entries)
            try await store.append([entry(event: id, name: "")])
            let system = try await store.page(event: id, before: nil, limit: 10)
            #expect(system.last?.actorID == .system)
        }
    }

    @Test func historyCannotBeChangedOrEmptied() async throws {
        try await Self.with(.postgres) { world, store in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft(), by: mina).details.event.id
            let entries = try await Self.makeHistory(world, store, id, by: mina, renames: 1)
            let client = try #require(world.client)
            let attempts: [PostgresStatement] = [
                "UPDATE event_history SET new_value = NULL", "DELETE FROM event_history", "TRUNCATE event_history",
                "DELETE FROM users WHERE id = \(mina.userID)", "DELETE FROM events WHERE id = \(id)",
            ]
            for attempt in attempts {
                await #expect(throws: PostgresError.self, "\(attempt.text)") { try await client.query(attempt) }
            }
            let page = try await store.page(event: id, before: nil, limit: 10)
            #expect(page == entries.reversed())
        }
    }
}
