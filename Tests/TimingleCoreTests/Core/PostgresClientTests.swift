import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresClientTests {
    @Test func everyTypeMakesTheRoundTrip() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query(
                """
                CREATE TABLE everything (small smallint, middle int, big bigint, flag boolean, ratio float8, note text,
                    word varchar(20), raw bytea, at timestamptz, id uuid, data jsonb, ids bigint[], names text[],
                    address inet, nothing text)
                """
            )
            let id = Identifier128(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
            let at = Timestamp(milliseconds: 1_767_225_599_123)
            let inserted = try await client.query(
                """
                INSERT INTO everything VALUES (\(Int16(-2)), \(Int32.min), \(Int64.max), \(true), \(0.1), \("약속\u{1F600}"),
                    \(EventStatus.proposed), \([UInt8]([0, 255, 39])), \(at), \(id), \(PostgresJSON(#"{"a": [1]}"#)),
                    \([Int64]([1, -1])), \(["", "a,\"b\""]), \("10.0.0.1")::inet, \(String?.none))
                """
            )
            #expect(inserted.affectedRows == 1)
            let result = try await client.query("SELECT *, address::text AS address_text FROM everything")
            let row = try #require(result.first)
            #expect(try row.decode("small", as: Int16.self) == -2)
            #expect(try row.decode("middle", as: Int.self) == Int(Int32.min))
            #expect(try row.decode("big", as: Int64.self) == .max)
            #expect(try row.decode("flag", as: Bool.self))
            #expect(try row.decode("ratio", as: Double.self) == 0.1)
            #expect(try row.decode("note", as: String.self) == "약속\u{1F600}")
            #expect(try row.decode("word", as: EventStatus.self) == .proposed)
            #expect(try row.decode("raw", as: [UInt8].self) == [0, 255, 39])
            #expect(try row.decode("at", as: Timestamp.self) == at)
            #expect(try row.decode("id", as: Identifier128.self) == id)
            #expect(try row.decode("data", as: PostgresJSON.self).text == #"{"a": [1]}"#)
            #expect(try row.decode("ids", as: [Int64].self) == [1, -1])
            #expect(try row.decode("names", as: [String].self) == ["", "a,\"b\""])
            #expect(try row.decode("address_text", as: String.self) == "10.0.0.1/32")
            #expect(try row.decode("nothing", as: String?.self) == nil)
            #expect(throws: PostgresError.self) { try row.decode("nothing", as: String.self) }
            #expect(throws: PostgresError.self) { try row.decode("no_such_column", as: String.self) }
            // The server's own words for the same values.
            let texts = try await client.query("SELECT at::text, id::text, raw::text FROM everything")
            let text = try #require(texts.first)
            #expect(try text.decode(at: 0, as: String.self) == "2025-12-31 23:59:59.123+00")
            #expect(try text.decode(at: 1, as: String.self) == "01234567-89ab-cdef-fedc-ba9876543210")
            #expect(try text.decode(at: 2, as: String.self) == #"\x00ff27"#)
        }
    }

    @Test func errorsKeepSQLSTATEAndConstraint() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query(
                "CREATE TABLE parents (id bigint PRIMARY KEY, age int CONSTRAINT grown CHECK (age > 17))"
            )
            try await client.query("CREATE TABLE children (id bigint CONSTRAINT has_parent REFERENCES parents)")
            try await client.query("INSERT INTO parents VALUES (\(1), \(20))")
            func error(_ statement: PostgresStatement) async -> PostgresError? {
                do throws(PostgresError) {
                    try await client.query(statement)
                    return nil
                } catch {
                    return error
                }
            }
            let unique = await error("INSERT INTO parents VALUES (\(1), \(20))")
            #expect(unique?.isUniqueViolation == true)
            #expect(unique?.constraint == "parents_pkey")
            #expect(unique?.table == "parents")
            #expect(unique.map { "\($0)".contains("(id)=(1)") } == false)
            #expect(await error("INSERT INTO children VALUES (\(9))")?.isForeignKeyViolation == true)
            #expect(await error("INSERT INTO parents VALUES (\(2), \(3))")?.isCheckViolation == true)
            #expect(await error("SELEC 1")?.sqlState == "42601")
            #expect(await error("SELECT 1/\(0)")?.sqlState == "22012")
            #expect(await error(PostgresStatement(unsafe: "SELECT 1 -- \u{0}"))?.code == .invalidStatement)
            #expect(await error("SELECT \("a\u{0}b")")?.sqlState == "22021")
            // None of them costs the connection.
            let rows = try await client.query("SELECT count(*) FROM parents")
            #expect(try rows.first?.decode(at: 0, as: Int64.self) == 1)
        }
    }

    @Test func aTransactionCommitsOrLeavesNothing() async throws {
        struct Refusal: Error {}
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query("CREATE TABLE numbers (n bigint PRIMARY KEY)")
            let doubled = try await client.withTransaction { transaction in
                try await transaction.query("INSERT INTO numbers VALUES (\(1))")
                try await transaction.query("INSERT INTO numbers VALUES (\(2))")
                return 2
            }
            #expect(doubled == 2)
            await #expect(throws: Refusal.self) {
                try await client.withTransaction { transaction in
                    try await transaction.query("INSERT INTO numbers VALUES (\(3))")
                    throw Refusal()
                }
            }
            // An error that the body swallows must not look like a commit.
            let swallowed = await #expect(throws: PostgresError.self) {
                try await client.withTransaction { transaction in
                    try await transaction.query("INSERT INTO numbers VALUES (\(4))")
                    _ = try? await transaction.query("INSERT INTO numbers VALUES (\(4))")
                }
            }
            #expect(swallowed?.code == .transactionAborted)
            // Nothing sent, nothing to end.
            try await client.withTransaction { _ in }
            let rows = try await client.query("SELECT array_agg(n ORDER BY n) FROM numbers")
            #expect(try rows.first?.decode(at: 0, as: [Int64].self) == [1, 2])
        }
    }

    @Test func aTransactionCannotBeUsedAfterItsEnd() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            let kept = try await client.withTransaction { transaction in
                try await transaction.query("SELECT 1")
                return transaction
            }
            let error = await #expect(throws: PostgresError.self) { try await kept.query("SELECT 1") }
            #expect(error?.code == .closed)
        }
    }

    @Test func aConflictRunsTheBodyAgain() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query("CREATE TABLE counters (n bigint)")
            try await client.query("INSERT INTO counters VALUES (0)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await client.withTransaction(.serializable, attempts: 50) { transaction in
                            let row = try await transaction.query("SELECT n FROM counters").first
                            let value = try row?.decode("n", as: Int64.self) ?? 0
                            try await transaction.query("UPDATE counters SET n = \(value + 1)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await client.query("SELECT n FROM counters")
            #expect(try rows.first?.decode("n", as: Int64.self) == 4)
        }
    }

    @Test func manyCallersShareFewConnections() async throws {
        try await withTestDatabase(
            isMigrated: false,
            configure: {
                $0.maxConnections = 5
                $0.acquireTimeout = .seconds(30)
            },
            { client, group in
                let sum = try await withThrowingTaskGroup(of: Int64.self) { tasks in
                    for number in 0..<200 {
                        tasks.addTask(executorPreference: group.nextLoop()) {
                            let rows = try await client.query("SELECT \(number)::bigint, pg_sleep(0.005)")
                            return try rows.first?.decode(at: 0, as: Int64.self) ?? -1
                        }
                    }
                    return try await tasks.reduce(0, +)
                }
                #expect(sum == 19_900)
                let rows = try await client.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                )
                let connections = try #require(try rows.first?.decode(at: 0, as: Int.self))
                #expect(connections <= 5)
            }
        )
    }

    @Test func statementsOfOneTransactionKeepTheirOrder() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            let total = try await client.withTransaction { transaction in
                try await transaction.query("CREATE TEMPORARY TABLE steps (n bigint) ON COMMIT DROP")
                async let first = transaction.query("INSERT INTO steps VALUES (1)")
                async let second = transaction.query("INSERT INTO steps VALUES (2)")
                _ = try await (first, second)
                return try await transaction.query("SELECT sum(n)::bigint FROM steps").first?.decode(
                    at: 0,
                    as: Int.self
                )
            }
            #expect(total == 3)
        }
    }

    @Test func aMegabyteGoesThereAndBack() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            let big = String(repeating: "0123456789abcdef", count: 1 << 18)
            let rows = try await client.query("SELECT \(big) AS big, length(\(big)) AS size")
            let row = try #require(rows.first)
            #expect(try row.decode("size", as: Int.self) == big.utf8.count)
            #expect(try row.decode("big", as: String.self) == big)
        }
    }

    @Test func preparedStatementsAreEvicted() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: {
                $0.maxConnections = 1
                $0.preparedStatementsPerConnection = 8
            },
            { client, _ in
                for round in 0..<3 {
                    for number in 0..<20 {
                        let rows = try await client.query("SELECT \(round) + \(unsafe: String(number)) AS n")
                        #expect(try rows.first?.decode("n", as: Int.self) == round + number)
                    }
                }
                let rows = try await client.query("SELECT count(*) FROM pg_prepared_statements")
                let count = try #require(try rows.first?.decode(at: 0, as: Int.self))
                #expect(count <= 10)
                // Names of evicted statements that the server forgot by itself must harm nobody.
                for number in 0..<4 { try await client.query("SELECT 'x' || \(unsafe: String(number))") }
                try await client.query("DEALLOCATE ALL")
                for number in 0..<20 {
                    try await client.withTransaction { transaction in
                        _ = try await transaction.query("SELECT 'y' || \(unsafe: String(number))")
                    }
                }
                for _ in 0..<8 { try await client.ping() }
                let left = try await client.query("SELECT count(*) FROM pg_prepared_statements").first
                let leftCount = try #require(try left?.decode(at: 0, as: Int.self))
                #expect(leftCount <= 10)
            }
        )
    }

    @Test func aPlanThatTheServerDroppedIsPreparedAnew() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: { $0.maxConnections = 1 },
            { client, _ in
                try await client.query("CREATE TABLE shapes (a int)")
                try await client.query("SELECT * FROM shapes")
                try await client.query("ALTER TABLE shapes ADD COLUMN b text")
                let wider = try await client.query("SELECT * FROM shapes")
                #expect(wider.columnNames == ["a", "b"])
                try await client.query("DEALLOCATE ALL")
                try await client.query("SELECT * FROM shapes")
            }
        )
    }
}
