import Testing

@testable import TimingleCQL

struct CQLStatementTests {
    @Test func valuesBecomeMarkers() {
        let statement: CQLStatement = "INSERT INTO t (a, b) VALUES (\(1), \("x'; DROP TABLE t"))"
        #expect(statement.text == "INSERT INTO t (a, b) VALUES (?, ?)")
        #expect(statement.bindings == [.bigint(1), .text("x'; DROP TABLE t")])
    }

    @Test func nothingIsNullOrUnset() {
        let nothing = Int?.none
        let statement: CQLStatement = "\(nothing) \(orUnset: nothing) \(orUnset: Optional(3)) \(Optional(4))"
        #expect(statement.bindings == [.null, .unset, .bigint(3), .bigint(4)])
    }

    @Test func aListIsOneValue() {
        let statement: CQLStatement = "SELECT a FROM t WHERE a IN \([1, 2])"
        #expect(statement.text.hasSuffix("IN ?"))
        #expect(statement.bindings == [.list([.bigint(1), .bigint(2)])])
    }

    @Test func statementsAreJoinedAndNested() {
        let part: CQLStatement = "a = \(1)"
        let nested: CQLStatement = "SELECT \(unsafe: "b") FROM t WHERE \(part) AND c = \(2)"
        #expect(nested.text == "SELECT b FROM t WHERE a = ? AND c = ?")
        #expect(nested.bindings == [.bigint(1), .bigint(2)])
        var joined: CQLStatement = "SELECT b FROM t WHERE "
        joined.pageSize = 7
        joined += part
        #expect(joined.text == "SELECT b FROM t WHERE a = ?")
        #expect(joined.pageSize == 7 && joined.isIdempotent)
    }

    @Test func theSameLiteralIsTheSameText() {
        func statement(_ value: Int) -> CQLStatement { "SELECT a FROM t WHERE b = \(value)" }
        #expect(statement(1).text == statement(2).text)
    }

    @Test func onlyReadingIsIdempotentByItself() {
        #expect(("SELECT a FROM t" as CQLStatement).isIdempotent)
        let insert: CQLStatement = "INSERT INTO t (a) VALUES (\(1))"
        #expect(!insert.isIdempotent && insert.idempotent.isIdempotent)
        #expect(!("SELECTED" as CQLStatement).isIdempotent)
    }
}
