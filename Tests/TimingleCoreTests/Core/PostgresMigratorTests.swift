import FoundationEssentials
import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresMigratorTests {
    private static let steps = [
        "0001_create_books.sql":
            "CREATE TABLE books (id bigint PRIMARY KEY, title text);\nINSERT INTO books VALUES (1, 'a;b');",
        "0002_index_titles.sql": """
        -- timingle: no-transaction
        CREATE INDEX CONCURRENTLY books_title ON books (title);
        CREATE INDEX CONCURRENTLY books_title_id ON books (title, id);
        """,
        "0003_add_year.sql": "ALTER TABLE books ADD COLUMN year int;",
    ]

    /// Runs `body` with a directory of the given files, a fresh database and a migrator of both.
    private func withMigrator(
        _ files: [String: String] = Self.steps,
        _ body: (String, PostgresClient, PostgresMigrator) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/timingle-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { _ = try? FileManager.default.removeItem(atPath: directory) }
        for (name, text) in files { try self.write(text, directory + "/" + name) }
        try await withTestDatabase(isMigrated: false) { client, group in
            let migrator = PostgresMigrator(
                configuration: client.configuration,
                directory: directory,
                group: group,
                log: .silent
            )
            try await body(directory, client, migrator)
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

    @Test func upAppliesEachFileOnce() async throws {
        try await self.withMigrator { _, client, migrator in
            let before = try await migrator.status()
            #expect(before.map(\.state) == [.pending, .pending, .pending])
            let first = try await migrator.up()
            #expect(first.map(\.version) == [1, 2, 3])
            let second = try await migrator.up()
            #expect(second.isEmpty)
            let pending = try await migrator.verify()
            #expect(pending.isEmpty)
            let rows = try await client.query("SELECT title, year FROM books")
            #expect(try rows.first?.decode("title", as: String.self) == "a;b")
            let recorded = try await client.query("SELECT name, checksum FROM schema_migrations ORDER BY version")
            #expect(try recorded.map { try $0.decode("name", as: String.self) }.last == "add_year")
            #expect(try recorded.first?.decode("checksum", as: String.self).utf8.count == 64)
            let indexes = try await client.query("SELECT count(*) FROM pg_indexes WHERE tablename = 'books'")
            #expect(try indexes.first?.decode(at: 0, as: Int.self) == 3)
        }
    }

    @Test func ofSeveralAtOnceOneWorks() async throws {
        try await self.withMigrator { _, _, migrator in
            let counts = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<4 { tasks.addTask { try await migrator.up().count } }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(counts.sorted() == [0, 0, 0, 3])
        }
    }

    @Test func aChangedFileIsRefused() async throws {
        try await self.withMigrator { directory, _, migrator in
            try await migrator.up()
            try self.write("ALTER TABLE books ADD COLUMN year bigint;", directory + "/0003_add_year.sql")
            let states = try await migrator.status().map(\.state)
            #expect(states == [.applied, .applied, .changed])
            let up = await self.message { try await migrator.up() }
            #expect(up.contains("3_add_year was changed"))
            let verify = await self.message { try await migrator.verify() }
            #expect(verify.contains("3_add_year was changed"))
        }
    }

    @Test func aMissingFileIsRefused() async throws {
        try await self.withMigrator { directory, _, migrator in
            try await migrator.up()
            try FileManager.default.removeItem(atPath: directory + "/0002_index_titles.sql")
            let message = await self.message { try await migrator.verify() }
            #expect(message.contains("2_index_titles was applied"))
        }
    }

    @Test func gapsTwinsAndStrangeNamesAreRefused() async throws {
        try await self.withMigrator(["0001_a.sql": "SELECT 1", "0003_c.sql": "SELECT 1"]) {
            directory,
            client,
            migrator in
            let gap = await self.message { try await migrator.up() }
            #expect(gap.contains("gap before 3_c"))
            try self.write("SELECT 1", directory + "/0003_d.sql")
            let twins = await self.message { try await migrator.up() }
            #expect(twins.contains("two files"))
            try self.write("SELECT 1", directory + "/4_e.sql")
            let name = await self.message { try await migrator.up() }
            #expect(name.contains("4_e.sql is not named"))
            let rows = try await client.query("SELECT to_regclass('schema_migrations') IS NULL OR true")
            #expect(rows.rowCount == 1)
        }
    }

    @Test func aFailingFileLeavesNothingAndStopsTheRest() async throws {
        var files = Self.steps
        files["0003_add_year.sql"] = "CREATE TABLE half (n int); SELECT nonsense;"
        files["0004_more.sql"] = "CREATE TABLE more (n int);"
        try await self.withMigrator(files) { directory, client, migrator in
            let message = await self.message { try await migrator.up() }
            #expect(message.contains("3_add_year") && message.contains("42703"))
            let rows = try await client.query("SELECT to_regclass('half')::text, to_regclass('more')::text")
            #expect(try rows.first?.decode(at: 0, as: String?.self) == nil)
            #expect(try rows.first?.decode(at: 1, as: String?.self) == nil)
            try self.write("CREATE TABLE half (n int);", directory + "/0003_add_year.sql")
            let applied = try await migrator.up()
            #expect(applied.map(\.version) == [3, 4])
        }
    }

    @Test func aFileMayNotEndItsTransaction() async throws {
        try await self.withMigrator(["0001_a.sql": "CREATE TABLE t (n int); COMMIT;"]) { _, _, migrator in
            let message = await self.message { try await migrator.up() }
            #expect(message.contains("ends its own transaction"))
        }
    }

    @Test func theRepositorysMigrationsApply() async throws {
        try await withTestDatabase { client, _ in try await client.ping() }
    }
}
