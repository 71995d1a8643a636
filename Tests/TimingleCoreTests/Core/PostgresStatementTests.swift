import Testing

@testable import TimingleCore

struct PostgresStatementTests {
    @Test func eachInterpolationBecomesAParameterInBinary() {
        let id: Int64 = 7
        let name = "O'Brien; DROP TABLE users"
        let statement: PostgresStatement = "SELECT 1 FROM users WHERE id = \(id) AND name = \(name)"
        #expect(statement.text == "SELECT 1 FROM users WHERE id = $1 AND name = $2")
        #expect(statement.bindings.map(\.type) == [.int8, .text])
        #expect(statement.bindings[0].bytes == [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(statement.bindings[1].bytes == Array(name.utf8))
    }

    @Test func nilIsATypedNull() {
        let missing: String? = nil
        let statement: PostgresStatement = "SELECT \(missing), \(UserID?.none), \([String]?.none)"
        #expect(statement.bindings.map(\.type) == [.text, .int8, .textArray])
        #expect(statement.bindings.allSatisfy { $0.bytes == nil })
    }

    @Test func aFragmentsParametersAreRenumbered() {
        let condition: PostgresStatement = "status = \("DONE") AND creator_id = \(UserID(rawValue: 3))"
        var statement: PostgresStatement = "SELECT * FROM events WHERE id = \(1) AND (\(condition))"
        statement += " LIMIT \(20)"
        #expect(
            statement.text
                == "SELECT * FROM events WHERE id = $1 AND (status = $2 AND creator_id = $3) LIMIT $4"
        )
        #expect(statement.bindings.map(\.type) == [.int8, .text, .int8, .int8])
    }

    @Test func unsafeTextIsNoParameter() {
        let statement: PostgresStatement = "SET x = \(unsafe: "5")"
        #expect(statement.text == "SET x = 5")
        #expect(statement.bindings.isEmpty)
    }

    @Test func theSameTextWithOtherTypesIsAnotherCacheKey() {
        func statement(_ value: some PostgresEncodable) -> PostgresStatement { "SELECT \(value)" }
        let one = PostgresStatementCache.Key(statement(1))
        #expect(one == PostgresStatementCache.Key(statement(2)))
        #expect(one != PostgresStatementCache.Key(statement("1")))
    }
}
