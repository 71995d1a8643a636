import FoundationEssentials
import Testing
import TimingleCQL
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasCQL, "needs Cassandra: set TIMINGLE_TEST_CQL; make test does where there is one"),
    .timeLimit(.minutes(3))
)
struct CQLMigratorTests {
    private static let steps = [
        "0001_create_books.cql":
            "-- Books; and more.\nCREATE TABLE IF NOT EXISTS books (id bigint PRIMARY KEY, title text);",
        "0002_create_pages.cql": "CREATE TABLE IF NOT EXISTS pages (id bigint PRIMARY KEY)",
    ]

    private func withMigrator(
        _ files: [String: String] = Self.steps,
        _ body: (String, CQLMigrator) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/timingle-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { _ = try? FileManager.default.removeItem(atPath: directory) }
        for (name, text) in files { try self.write(text, directory + "/" + name) }
        let settings = try TestKeyspace.unmigrated()
        try await withEventLoopGroup(count: 1) { group in
            try await body(
                directory,
                CQLMigrator(settings: settings, directory: directory, group: group, log: .silent)
            )
        }
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func message(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func upMakesTheKeyspaceAndAppliesEachFileOnce() async throws {
        try await self.withMigrator { directory, migrator in
            let before = try await migrator.status()
            #expect(before.map(\.state) == [.pending, .pending])
            let first = try await migrator.up()
            #expect(first.map(\.title) == ["0001_create_books", "0002_create_pages"])
            let second = try await migrator.up()
            #expect(second.isEmpty)
            let pending = try await migrator.verify()
            #expect(pending.isEmpty)
            let times = try await migrator.status().compactMap(\.appliedAt)
            #expect(times.count == 2)

            try self.write("CREATE TABLE IF NOT EXISTS covers (id bigint PRIMARY KEY)", directory + "/0003_c.cql")
            let third = try await migrator.up()
            #expect(third.map(\.version) == [3])
            try self.write(
                "CREATE TABLE IF NOT EXISTS pages (id int PRIMARY KEY)",
                directory + "/0002_create_pages.cql"
            )
            let changed = await self.message { try await migrator.up() }
            #expect(changed.contains("2_create_pages was changed"))
            try FileManager.default.removeItem(atPath: directory + "/0002_create_pages.cql")
            let missing = await self.message { try await migrator.verify() }
            #expect(missing.contains("2_create_pages was applied"))
        }
    }

    @Test func aFileThatFailsIsNotRecordedAndGoesOnWhereItStopped() async throws {
        var files = Self.steps
        files["0002_create_pages.cql"] = "CREATE TABLE IF NOT EXISTS pages (id nonsense PRIMARY KEY)"
        try await self.withMigrator(files) { directory, migrator in
            let message = await self.message { try await migrator.up() }
            #expect(message.contains("2_create_pages"))
            let states = try await migrator.status().map(\.state)
            #expect(states == [.applied, .pending])
            try self.write(
                "CREATE TABLE IF NOT EXISTS pages (id int PRIMARY KEY)",
                directory + "/0002_create_pages.cql"
            )
            let rest = try await migrator.up()
            #expect(rest.map(\.version) == [2])
        }
    }

    @Test(arguments: ["", "-- nothing", "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"])
    func aFileIsOneStatement(script: String) async throws {
        try await self.withMigrator(["0001_a.cql": script]) { _, migrator in
            let message = await self.message { try await migrator.up() }
            #expect(message.contains("1_a is not exactly one statement"))
        }
    }

    @Test func theTablesHaveTheirKeysOrdersAndOptions() async throws {
        try await withTestStores { stores, _ in
            let keyspace = try await TestKeyspace.shared.settings().keyspace
            let columns = try await stores.messages.client.execute(
                """
                SELECT table_name, column_name, kind, position, clustering_order FROM system_schema.columns
                WHERE keyspace_name = \(keyspace)
                """
            )
            var keys: [String: [String]] = [:]
            for row in columns {
                let kind = try row.decode("kind", as: String.self)
                guard kind == "partition_key" || kind == "clustering" else { continue }
                let order = try row.decode("clustering_order", as: String.self)
                let (table, column) = (
                    try row.decode("table_name", as: String.self), try row.decode("column_name", as: String.self)
                )
                keys[table, default: []].append(
                    "\(kind) \(try row.decode("position", as: Int.self)) \(column) \(order)"
                )
            }
            #expect(
                keys["chat_messages_by_event"]?.sorted() == [
                    "clustering 0 created_at asc", "clustering 1 message_id asc", "partition_key 0 event_id none",
                ]
            )
            #expect(
                keys["event_history"]?.sorted() == [
                    "clustering 0 changed_at desc", "clustering 1 change_id desc", "partition_key 0 event_id none",
                ]
            )
            #expect(
                keys["unread_message_counts"]?.sorted() == [
                    "partition_key 0 event_id none", "partition_key 1 user_id none",
                ]
            )
            #expect(
                keys["typing_indicators"]?.sorted() == ["clustering 0 user_id asc", "partition_key 0 event_id none"]
            )
            #expect(
                keys["message_reactions"]?.sorted() == ["clustering 0 user_id asc", "partition_key 0 message_id none"]
            )
            #expect(
                keys["chat_messages_by_user"]?.sorted() == [
                    "clustering 0 created_at desc", "clustering 1 event_id asc", "partition_key 0 user_id none",
                ]
            )
            let tables = try await stores.messages.client.execute(
                """
                SELECT table_name, compaction, default_time_to_live FROM system_schema.tables
                WHERE keyspace_name = \(keyspace)
                """
            )
            for row in tables {
                let compaction = try row.decode("compaction", as: [String: String].self)
                switch try row.decode("table_name", as: String.self) {
                case "chat_messages_by_event", "chat_messages_by_event_bucket":
                    #expect(compaction["class"]?.hasSuffix("TimeWindowCompactionStrategy") == true)
                    #expect(compaction["compaction_window_unit"] == "DAYS")
                    #expect(compaction["compaction_window_size"] == "1")
                case "typing_indicators":
                    #expect(try row.decode("default_time_to_live", as: Int.self) == 10)
                default: break
                }
            }
        }
    }
}
