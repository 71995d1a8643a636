import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

@Suite(
    .serialized,
    .enabled(if: TestCassandra.hasNode, "needs Cassandra: set TIMINGLE_TEST_CQL to host:port; make test does"),
    .timeLimit(.minutes(5))
)
struct CQLClientTests {
    private let table = "CREATE TABLE %.notes (room bigint, seq int, text text, PRIMARY KEY (room, seq))"

    private func withTable(
        _ configure: (inout CQLConfiguration) -> Void = { _ in },
        _ body: @escaping (CQLClient, String) async throws -> Void
    ) async throws {
        try await withCQLClient(configure) { client, keyspace in
            try await client.execute(CQLStatement(unsafe: self.table.replacing("%", with: keyspace)))
            try await client.awaitSchemaAgreement()
            try await body(client, keyspace)
        }
    }

    @Test func preparedValuesMakeTheRoundTrip() async throws {
        try await self.withTable { client, keyspace in
            for seq in 0..<3 {
                try await client.execute(
                    "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(7), \(seq), \("약속 \(seq)"))"
                )
            }
            let rows = try await client.execute("SELECT seq, text FROM \(unsafe: keyspace).notes WHERE room = \(7)")
            #expect(try rows.map { try $0.decode("text", as: String.self) } == ["약속 0", "약속 1", "약속 2"])
            #expect(rows.pagingState == nil)
        }
    }

    @Test func nullIsWrittenAndUnsetIsNot() async throws {
        try await self.withTable { client, keyspace in
            let none = String?.none
            let insert: (CQLStatement) async throws -> Void = { try await client.execute($0) }
            try await insert("INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (1, 1, \("a"))")
            try await insert(
                "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(1), \(1), \(orUnset: none))"
            )
            let query: CQLStatement = "SELECT text FROM \(unsafe: keyspace).notes WHERE room = \(1)"
            let kept = try await client.execute(query)
            #expect(try kept.first?.decode("text", as: String?.self) == "a")
            try await insert("INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(1), \(1), \(none))")
            let gone = try await client.execute(query)
            #expect(try gone.first?.decode("text", as: String?.self) == .some(nil))
        }
    }

    @Test func batchesOfAnyKindArriveWhole() async throws {
        try await self.withTable { client, keyspace in
            for kind in [BatchRequest.Kind.logged, .unlogged] {
                var batch = CQLBatch(kind)
                for seq in 0..<20 {
                    batch.statements.append(
                        "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(5), \(seq), \("x"))"
                    )
                }
                batch.statements.append(
                    CQLStatement(unsafe: "DELETE FROM \(keyspace).notes WHERE room = 5 AND seq = 3")
                )
                batch.timestampMicroseconds = kind == .logged ? 1_000 : 2_000
                try await client.execute(batch)
            }
            let count = try await client.execute("SELECT count(*) FROM \(unsafe: keyspace).notes WHERE room = \(5)")
            // A delete wins over an insert of the same time.
            #expect(try count.first?.decode(at: 0, as: Int64.self) == 19)
            try await client.execute(CQLBatch(.unlogged))
        }
    }

    @Test func countersCount() async throws {
        try await withCQLClient { client, keyspace in
            try await client.execute(
                CQLStatement(unsafe: "CREATE TABLE \(keyspace).unread (member bigint PRIMARY KEY, count counter)")
            )
            try await client.awaitSchemaAgreement()
            for _ in 0..<3 {
                let update: CQLStatement =
                    "UPDATE \(unsafe: keyspace).unread SET count = count + \(2) WHERE member = \(9)"
                try await client.execute(CQLBatch(.counter, [update]))
            }
            let row = try await client.execute("SELECT count FROM \(unsafe: keyspace).unread WHERE member = \(9)").first
            #expect(try row?.decode("count", as: Int64.self) == 6)
        }
    }

    @Test func pagesBringEveryRowOnce() async throws {
        try await self.withTable { client, keyspace in
            await withTaskGroup(of: Void.self) { tasks in
                for seq in 0..<1_003 {
                    tasks.addTask {
                        _ = try? await client.execute(
                            "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(1), \(seq), \("x"))"
                        )
                    }
                }
            }
            var query: CQLStatement = "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(1)"
            query.pageSize = 100
            var seen: [Int] = []
            var pages = 0
            for try await page in client.pages(query) {
                pages += 1
                #expect(page.count <= 100)
                for row in page { seen.append(try row.decode("seq")) }
            }
            #expect(seen == Array(0..<1_003))
            #expect(pages == 11)
            // Early ends cost nothing, and a new iteration begins anew.
            for try await page in client.pages(query) {
                #expect(try page.first?.decode("seq", as: Int.self) == 0)
                break
            }
        }
    }

    @Test func aCancelledTaskGetsNoPageAndLeavesNone() async throws {
        try await self.withTable { client, keyspace in
            let query: CQLStatement = "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(1)"
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                var iterator = client.pages(query).makeAsyncIterator()
                do throws(CQLError) {
                    _ = try await iterator.next()
                    return "a page"
                } catch {
                    let isOver = (try? await iterator.next()) == nil
                    return "\(error.code) \(isOver)"
                }
            }
            #expect(await task.value == "cancelled true")
            try await client.ping()
        }
    }

    @Test func theServersErrorsKeepTheirCodes() async throws {
        try await self.withTable { client, keyspace in
            func code(_ statement: CQLStatement) async -> CQLError.Code? {
                do throws(CQLError) {
                    try await client.execute(statement)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(await code("SELEKT") == .syntax)
            #expect(await code("SELECT * FROM \(unsafe: keyspace).nothing") == .invalid)
            #expect(await code("SELECT * FROM \(unsafe: keyspace).nothing WHERE a = \(1)") == .invalid)
            #expect(await code("SELECT * FROM notes WHERE room = \(1)") == .invalid)
            #expect(await code(CQLStatement(unsafe: self.table.replacing("%", with: keyspace))) == .alreadyExists)
            #expect(
                await code("INSERT INTO \(unsafe: keyspace).notes (room, seq) VALUES (\("text"), \(1))") == .encoding
            )
            #expect(await code("SELECT * FROM \(unsafe: keyspace).notes WHERE room = \(1)") == nil)
        }
    }

    @Test func conditionalStatementsSayWhetherTheyWereApplied() async throws {
        try await self.withTable { client, keyspace in
            let insert: CQLStatement =
                "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(1), \(1), \("a")) IF NOT EXISTS"
            let first = try await client.execute(insert)
            let second = try await client.execute(insert)
            #expect(first.wasApplied == true && second.wasApplied == false)
        }
    }

    /// A dropped table takes the server's prepared statements with it.
    @Test func whatTheServerForgotIsPreparedAgain() async throws {
        try await self.withTable { client, keyspace in
            let insert: CQLStatement =
                "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(1), \(1), \("a"))"
            try await client.execute(insert)
            try await client.execute(CQLStatement(unsafe: "DROP TABLE \(keyspace).notes"))
            try await client.execute(CQLStatement(unsafe: self.table.replacing("%", with: keyspace)))
            try await client.awaitSchemaAgreement()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<50 { tasks.addTask { try await client.execute(insert) } }
                for _ in 0..<10 { tasks.addTask { try await client.execute(CQLBatch(.unlogged, [insert, insert])) } }
                try await tasks.waitForAll()
            }
        }
    }

    @Test func aKeyspaceMayComeLater() async throws {
        let late = "timingle_late_\(UInt32.random(in: 0 ... .max))"
        try await withCQLClient {
            $0.keyspace = late
        } _: { client, _ in
            let query: CQLStatement = "SELECT a FROM t WHERE a = \(1)"
            do throws(CQLError) {
                try await client.execute(query)
                Issue.record("there is no such keyspace")
            } catch {
                #expect(error.code == .invalid)
            }
            let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
            try await client.execute(CQLStatement(unsafe: "CREATE KEYSPACE \(late) WITH replication = \(replication)"))
            try await client.execute(CQLStatement(unsafe: "CREATE TABLE \(late).t (a bigint PRIMARY KEY)"))
            try await client.awaitSchemaAgreement()
            let rows = try await client.execute(query)
            #expect(rows.isEmpty)
            try await client.execute(CQLStatement(unsafe: "DROP KEYSPACE \(late)"))
        }
    }

    @Test func manyRequestsShareFewConnections() async throws {
        try await self.withTable({
            $0.inFlightMax = 8
            // All are there at once; how long the last one waits is the node's affair.
            $0.acquireTimeout = .seconds(60)
            $0.requestTimeout = .seconds(60)
        }) { client, keyspace in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for seq in 0..<2_000 {
                    tasks.addTask {
                        try await client.execute(
                            "INSERT INTO \(unsafe: keyspace).notes (room, seq, text) VALUES (\(seq % 50), \(seq), \("x"))"
                        )
                    }
                }
                try await tasks.waitForAll()
            }
            let count = try await client.execute("SELECT count(*) FROM \(unsafe: keyspace).notes")
            #expect(try count.first?.decode(at: 0, as: Int64.self) == 2_000)
        }
    }

    @Test func tooManyWaitersAreRefused() async throws {
        try await self.withTable({
            $0.inFlightMax = 1
            $0.maxWaiters = 2
        }) { client, keyspace in
            let codes = await withTaskGroup(of: CQLError.Code?.self) { tasks in
                for _ in 0..<200 {
                    tasks.addTask {
                        do throws(CQLError) {
                            try await client.execute("SELECT * FROM \(unsafe: keyspace).notes WHERE room = \(1)")
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await tasks.reduce(into: [CQLError.Code?]()) { $0.append($1) }
            }
            #expect(Set(codes) == [nil, .tooManyWaiters])
        }
    }

    @Test func timeIsUpWhenItIsUp() async throws {
        try await self.withTable { client, keyspace in
            var query: CQLStatement = "SELECT * FROM \(unsafe: keyspace).notes WHERE room = \(1)"
            query.timeout = .nanoseconds(1)
            let statement = query
            await #expect(throws: CQLError.self) { try await client.execute(statement) }
            query.timeout = nil
            try await client.execute(query)
        }
    }

    @Test func aClosedClientSaysSo() async throws {
        try await withEventLoopGroup(count: 2) { group in
            let hosts = [TestCassandra.address ?? ""]
            let client = CQLClient(configuration: CQLConfiguration(hosts: hosts), group: group, log: .silent)
            try await client.ping()
            await client.close()
            await client.close()
            do throws(CQLError) {
                try await client.ping()
                Issue.record("it answered")
            } catch {
                #expect(error.code == .closed)
            }
        }
    }

    /// Too long for a label, so that no name server is asked (RFC 1035 section 2.3.4).
    static let unknownHost = String(repeating: "a", count: 64) + ".invalid"

    @Test func namesAreLookedUp() async throws {
        let port = try #require(TestCassandra.address?.split(separator: ":").last)
        try await withEventLoopGroup(count: 1) { group in
            let hosts = [Self.unknownHost, "localhost:\(port)"]
            let client = CQLClient(configuration: CQLConfiguration(hosts: hosts), group: group, log: .silent)
            try await client.ping()
            await client.close()
        }
    }
}

/// Needs no server: nobody is there.
struct CQLClientAloneTests {
    @Test(.timeLimit(.minutes(1)), arguments: [["127.0.0.1:1"], [CQLClientTests.unknownHost], [], ["127.0.0.1:x"]])
    func withNobodyThereRequestsFailSoonAndSayWhy(hosts: [String]) async throws {
        try await withEventLoopGroup(count: 2) { group in
            let client = CQLClient(configuration: CQLConfiguration(hosts: hosts), group: group, log: .silent)
            do throws(CQLError) {
                try await client.ping()
                Issue.record("nobody is there, and it answered")
            } catch {
                #expect([.notConnected, .settings].contains(error.code))
                #expect(!error.isUnknownOutcome)
            }
            await client.close()
        }
    }
}
