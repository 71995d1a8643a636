import Foundation
import Testing
import TimingleNet

@testable import TimingleCQL

/// Where a real server is.
private enum CQLLiveServer {
    static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    static let address: SocketAddress? = {
        guard let text = Self.environment("TIMINGLE_TEST_CQL"), let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        return SocketAddress(parsing: String(text[..<colon]), port: port)
    }()
}

/// Against a real server: `TIMINGLE_TEST_CQL` is its HOST:PORT, `TIMINGLE_TEST_CQL_USER` and `_PASSWORD` where it asks.
@Suite(.enabled(if: CQLLiveServer.address != nil, "needs TIMINGLE_TEST_CQL"), .serialized)
struct CQLConnectionLiveTests {
    private static var settings: CQLConnectionSettings {
        var settings = CQLConnectionSettings()
        settings.connectTimeout = .seconds(20)
        if let user = CQLLiveServer.environment("TIMINGLE_TEST_CQL_USER") {
            let password = CQLLiveServer.environment("TIMINGLE_TEST_CQL_PASSWORD") ?? user
            settings.credentials = CQLCredentials(username: user, password: password)
        }
        return settings
    }

    /// A connection, and a keyspace that is there for the test.
    private static func run(_ body: (CQLTestConnection, String) async throws -> Void) async throws {
        let address = try #require(CQLLiveServer.address)
        try await withEventLoopGroup(count: 1) { group in
            let connection = try await CQLTestConnection.open(group.loops[0], address, Self.settings)
            let keyspace = "wire_\(UInt32.random(in: 0 ... .max))"
            let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
            try await connection.query("CREATE KEYSPACE \(keyspace) WITH replication = \(replication)")
            do {
                try await body(connection, keyspace)
            } catch {
                Issue.record("\(error)")
            }
            try await connection.query("DROP KEYSPACE \(keyspace)")
            try await connection.close()
        }
    }

    @Test func everyTypeIsStoredAndReadAgain() async throws {
        try await Self.run { connection, keyspace in
            try await connection.query("CREATE TYPE \(keyspace).place (street text, number int)")
            try await connection.query(
                """
                CREATE TABLE \(keyspace).every (id int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e decimal,
                f double, g float, h inet, i smallint, j text, k time, l timestamp, m timeuuid, n tinyint, o uuid,
                p varint, q date, r duration, s list<int>, t set<text>, u map<text, bigint>, v tuple<int, text>,
                w frozen<place>, x list<frozen<map<int, text>>>, y inet)
                """
            )
            let timed = try #require(TimeUUID(unixTicks: 17_000_000_000_000_000, clockSequence: 5, node: 6))
            let place = [CQLFieldValue("street", .text("서울")), CQLFieldValue("number", .null)]
            let values: [CQLValue] = [
                .int(1), .ascii("a"), .bigint(.min), .blob([0, 255]), .boolean(true),
                .decimal(CQLDecimal(unscaled: CQLVarint(-12_345), scale: 3)), .double(-0.5), .float(1.25),
                .inet(.ipv4(0x7F00_0001)), .smallint(-300), .text("채팅 🙂"), .time(CQLTime(nanoseconds: 1)),
                .timestamp(CQLTimestamp(milliseconds: 1_700_000_000_123)), .timeuuid(timed), .tinyint(-1),
                .uuid(CQLUUID(high: 1, low: 2)), .varint(CQLVarint(bytes: [1] + Array(repeating: 0, count: 16))),
                .date(CQLDate(days: -1)), .duration(CQLDuration(months: -1, days: -2, nanoseconds: -300)),
                .list([.int(1), .int(1)]), .set([.text("a"), .text("b")]), .map([CQLMapEntry(.text("k"), .bigint(7))]),
                .tuple([.int(1), .null]), .udt(place), .list([.map([CQLMapEntry(.int(1), .text("one"))])]),
                .inet(.ipv6(high: 0x2001_0DB8_0000_0000, low: 1)),
            ]
            let names = ["id"] + "abcdefghijklmnopqrstuvwxy".map(String.init)
            let markers = Array(repeating: "?", count: names.count).joined(separator: ", ")
            let columns = names.joined(separator: ", ")
            let insert = try await connection.prepare(
                "INSERT INTO \(keyspace).every (\(columns)) VALUES (\(markers))"
            )
            #expect(insert.partitionKey == [0])
            _ = try await connection.execute(insert, values)
            let select = try await connection.prepare("SELECT \(columns) FROM \(keyspace).every WHERE id = ?")
            let rows = try await connection.execute(select, [1.cqlValue])
            #expect(rows.metadata === select.result)
            let row = try #require(rows.first)
            for (index, value) in values.enumerated() {
                #expect(try row.decode(at: index, as: CQLValue.self) == value, "\(names[index])")
            }
            // Left alone, and made null.
            _ = try await connection.execute(insert, [2.cqlValue] + Array(repeating: .unset, count: values.count - 1))
            _ = try await connection.execute(insert, [1.cqlValue] + Array(repeating: .null, count: values.count - 1))
            let empty = try #require(try await connection.execute(select, [1.cqlValue]).first)
            for index in 1..<values.count { #expect(try empty.decode(at: index, as: CQLValue.self) == .null) }
        }
    }

    @Test func pagesFollowEachOther() async throws {
        try await Self.run { connection, keyspace in
            try await connection.query("CREATE TABLE \(keyspace).t (a int, b int, PRIMARY KEY (a, b))")
            let insert = try await connection.prepare("INSERT INTO \(keyspace).t (a, b) VALUES (?, ?)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1_000 {
                    group.addTask { _ = try await connection.execute(insert, [1.cqlValue, number.cqlValue]) }
                }
                try await group.waitForAll()
            }
            let select = try await connection.prepare("SELECT b FROM \(keyspace).t WHERE a = ?")
            var seen: [Int] = []
            var state: [UInt8]?
            var pages = 0
            repeat {
                let page = try await connection.execute(select, [1.cqlValue]) {
                    $0.pageSize = 300
                    $0.pagingState = state
                }
                seen += try page.map { try $0.decode("b", as: Int.self) }
                state = page.pagingState
                pages += 1
            } while state != nil
            #expect(seen == Array(0..<1_000))
            #expect(pages == 4)
            let skipped = try await connection.execute(select, [1.cqlValue]) { $0.skipsMetadata = true }
            #expect(try skipped.first?.decode("b", as: Int.self) == 0)
        }
    }

    @Test func batchesOfEveryKindAreApplied() async throws {
        try await Self.run { connection, keyspace in
            try await connection.query("CREATE TABLE \(keyspace).t (a int, b int, c text, PRIMARY KEY (a, b))")
            try await connection.query("CREATE TABLE \(keyspace).n (a int PRIMARY KEY, total counter)")
            let insert = try await connection.prepare("INSERT INTO \(keyspace).t (a, b, c) VALUES (?, ?, ?)")
            let count = try await connection.prepare("UPDATE \(keyspace).n SET total = total + ? WHERE a = ?")
            for kind in [BatchRequest.Kind.logged, .unlogged] {
                let number = Int(kind.rawValue)
                var batch = BatchRequest(
                    kind,
                    [
                        .prepared(insert, [number.cqlValue, 1.cqlValue, "one".cqlValue]),
                        .text("INSERT INTO \(keyspace).t (a, b, c) VALUES (\(number), 2, ?)", ["two".cqlValue]),
                    ],
                    consistency: .one
                )
                batch.timestampMicroseconds = 1_000
                _ = try CQLTestConnection.rows(try await connection.ask(.batch(batch)))
                let rows = try await connection.query(
                    "SELECT c, writetime(c) AS w FROM \(keyspace).t WHERE a = \(number)"
                )
                #expect(try rows.map { try $0.decode("c", as: String.self) } == ["one", "two"])
                #expect(try rows.map { try $0.decode("w", as: Int64.self) } == [1_000, 1_000])
            }
            let counters = BatchRequest(
                .counter,
                [.prepared(count, [5.cqlValue, 1.cqlValue]), .prepared(count, [(-2).cqlValue, 1.cqlValue])],
                consistency: .one
            )
            _ = try CQLTestConnection.rows(try await connection.ask(.batch(counters)))
            let total = try await connection.query("SELECT total FROM \(keyspace).n")
            #expect(try total.first?.decode("total", as: Int.self) == 3)
        }
    }

    @Test func namedValuesConditionsTracesAndErrors() async throws {
        try await Self.run { connection, keyspace in
            try await connection.query("CREATE TABLE \(keyspace).t (a int PRIMARY KEY, b text)")
            let insert = "INSERT INTO \(keyspace).t (a, b) VALUES (:a, :b) IF NOT EXISTS"
            for isFirst in [true, false] {
                let result = try await connection.query(insert) {
                    $0.values = [.text("x"), .int(1)]
                    $0.names = ["b", "a"]
                    $0.serialConsistency = .serial
                }
                #expect(result.wasApplied == isFirst)
            }
            let traced = try await connection.ask(
                .query(QueryRequest("SELECT * FROM \(keyspace).t", CQLQueryParameters(consistency: .one))),
                isTraced: true
            )
            #expect(traced.tracingID != nil)
            let unknown = CQLPrepared(id: [1, 2, 3], markers: [], partitionKey: [], result: .none)
            let error = await #expect(throws: CQLServerError.self) { try await connection.execute(unknown, []) }
            #expect(error?.code == .unprepared(id: [1, 2, 3]))
            let syntax = await #expect(throws: CQLServerError.self) { try await connection.query("SELEC") }
            #expect(syntax?.code == .syntax)
        }
    }

    @Test func eventsTellOfTheSchema() async throws {
        try await Self.run { connection, keyspace in
            let (events, sink) = AsyncStream.makeStream(of: CQLServerEvent.self)
            let loop = connection.bound.loop
            try await loop.enter { [bound = connection.bound] in bound.value.onEvent = { sink.yield($0) } }
            _ = try await connection.ask(.register(RegisterRequest(CQLEventType.allCases)))
            try await connection.query("CREATE TABLE \(keyspace).t (a int PRIMARY KEY)")
            let expected = CQLSchemaChange(change: "CREATED", keyspace: keyspace, target: .table("t"))
            for await event in events where event == .schema(expected) { break }
        }
    }

    @Test func thousandsAreAnsweredAtOnce() async throws {
        try await Self.run { connection, keyspace in
            try await connection.query("CREATE TABLE \(keyspace).t (a int PRIMARY KEY, b blob)")
            let insert = try await connection.prepare("INSERT INTO \(keyspace).t (a, b) VALUES (?, ?)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2_000 {
                    group.addTask {
                        let blob = Array(repeating: UInt8(number % 256), count: 200)
                        _ = try await connection.execute(insert, [number.cqlValue, blob.cqlValue])
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await connection.query("SELECT a, b FROM \(keyspace).t") { $0.pageSize = 5_000 }
            #expect(rows.count == 2_000)
            for row in rows {
                let number = try row.decode("a", as: Int.self)
                #expect(try row.decode("b", as: [UInt8].self) == Array(repeating: UInt8(number % 256), count: 200))
            }
        }
    }
}
