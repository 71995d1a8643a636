import Testing
import TimingleCQL
import TimingleNet

struct CQLResultTests {
    @Test func everyTypeOfARealServerIsRead() throws {
        let rows = try CQLFixture.rows("rows-all-types")
        #expect(rows.count == 2)
        let row = try #require(rows.first)
        #expect(try row.decode("id", as: Int32.self) == 1)
        #expect(try row.decode("a", as: String.self) == "ascii")
        #expect(try row.decode("b", as: Int64.self) == -2)
        #expect(try row.decode("c", as: [UInt8].self) == [0xCA, 0xFE])
        #expect(try row.decode("d", as: Bool.self))
        #expect(try row.decode("e", as: CQLDecimal.self) == CQLDecimal(unscaled: CQLVarint(-12_345), scale: 3))
        #expect(try row.decode("f", as: Double.self) == 0.5)
        #expect(try row.decode("g", as: Float.self) == -1.25)
        #expect(try row.decode("h", as: CQLInet.self) == CQLInet("127.0.0.1"))
        #expect(try row.decode("i", as: Int16.self) == 300)
        #expect(try row.decode("j", as: String.self) == "채팅")
        #expect(try row.decode("k", as: CQLTime.self) == CQLTime(nanoseconds: 86_399_999_999_999))
        #expect(try row.decode("l", as: CQLTimestamp.self) == CQLTimestamp(milliseconds: 1_700_000_000_123))
        #expect(try row.decode("m", as: TimeUUID.self).description == "50554d6e-29bb-11e5-b345-feff819cdc9f")
        #expect(try row.decode("n", as: Int8.self) == -128)
        #expect(try row.decode("o", as: CQLUUID.self) == CQLUUID("123e4567-e89b-42d3-a456-426614174000"))
        #expect(try row.decode("p", as: CQLVarint.self).description == "-123456789012345678901234567890")
        #expect(try row.decode("q", as: CQLDate.self) == CQLDate(days: 20_785))
        let duration = CQLDuration(months: 1, days: 2, nanoseconds: 3)
        #expect(try row.decode("r", as: CQLDuration.self) == duration)
        #expect(try row.decode("s", as: [Int32].self) == [1, -1])
        #expect(try row.decode("t", as: Set<String>.self) == ["a", "b"])
        #expect(try row.decode("u", as: [String: Int64].self) == ["x": 1, "y": .max])
        #expect(try row.decode("v", as: CQLValue.self) == .tuple([.int(7), .null]))
        let place = [
            CQLFieldValue("street", .text("Seoul")), CQLFieldValue("number", .int(3)), CQLFieldValue("note", .null),
        ]
        #expect(try row.decode("w", as: CQLValue.self) == .udt(place))
        #expect(try row.decode("x", as: [[Int32: String]].self) == [[1: "one"], [2: "two", 3: "three"]])
        #expect(try row.decode("y", as: CQLInet.self) == CQLInet("2001:db8::1"))
        #expect(try row.decode("z", as: String?.self) == nil)
    }

    /// Whatever was stored goes back to the server as the same bytes.
    @Test func whatIsReadIsWrittenAsItWas() throws {
        for row in try CQLFixture.rows("rows-all-types") {
            for (index, column) in row.columns.enumerated() {
                let cell = row.cell(at: index)
                var writer = ByteWriter()
                try CQLValue.decode(cell).write(to: &writer, as: column.type)
                var expected = ByteWriter()
                try expected.writeCQLBytes(cell.isNull ? nil : cell.bytes)
                #expect(writer.bytes == expected.bytes, "\(column.name) \(column.type)")
            }
        }
    }

    @Test func nullsAreNullAndEmptyCollectionsAreEmpty() throws {
        let row = try #require(try CQLFixture.rows("rows-all-types").last)
        #expect(try row.decode("id", as: Int.self) == 2)
        for column in row.columns where column.name != "id" {
            #expect(try row.decode(column.name, as: CQLValue.self) == .null, "\(column.name)")
        }
        #expect(try row.decode("s", as: [Int32].self) == [])
        #expect(try row.decode("s", as: [Int32]?.self) == nil)
        #expect(try row.decode("t", as: Set<String>.self) == [])
        #expect(try row.decode("u", as: [String: Int64].self) == [:])
        let failure = CQLCodingError(.null, "null is no text", column: "j")
        #expect(throws: failure) { try row.decode("j", as: String.self) }
    }

    @Test func errorsNameTheColumn() throws {
        let row = try #require(try CQLFixture.rows("rows-all-types").first)
        let mismatch = CQLCodingError(.typeMismatch, "text is no integer", column: "j")
        #expect(throws: mismatch) { try row.decode("j", as: Int64.self) }
        let range = CQLCodingError(.outOfRange, "300 is no Int8", column: "i")
        #expect(throws: range) { try row.decode("i", as: Int8.self) }
        let missing = CQLCodingError(.column, "there is no such column", column: "nothing")
        #expect(throws: missing) { try row.decode("nothing", as: Int64.self) }
        #expect("\(range)" == "column i: 300 is no Int8")
    }

    @Test func pagesTellWhereTheyEnd() throws {
        let first = try CQLFixture.rows("rows-first-page")
        #expect(first.count == 3)
        #expect(first.pagingState?.isEmpty == false)
        let whole = try CQLFixture.rows("rows-whole")
        #expect(whole.pagingState == nil)
        #expect(whole.columnNames == ["seq", "body"])
        #expect(try whole.map { try $0.decode("seq", as: Int.self) } == [0, 1, 2, 3, 4])
        #expect(try whole.map { try $0.decode(at: 1, as: String.self) } == (0..<5).map { "message \($0)" })
        #expect(try CQLFixture.rows("rows-none").isEmpty)
    }

    @Test func columnsThatAreKnownAreNotParsedAgain() throws {
        let known = try CQLFixture.prepared("prepared-select").result
        #expect(try CQLFixture.rows("rows-whole", known: known).metadata === known)
        #expect(try CQLFixture.rows("rows-first-page", known: known).metadata === known)
        #expect(try CQLFixture.rows("rows-all-types", known: known).metadata !== known)
    }

    @Test func rowsWithoutColumnsTakeTheKnownOnes() throws {
        let known = try CQLFixture.prepared("prepared-select").result
        let rows = try CQLFixture.rows("rows-without-metadata", known: known)
        #expect(try rows.map { try $0.decode("body", as: String.self) } == (0..<5).map { "message \($0)" })
        #expect(throws: WireError.malformed("rows without metadata")) {
            try CQLFixture.rows("rows-without-metadata")
        }
        let others = CQLResultMetadata(columns: Array(known.columns.prefix(1)))
        #expect(throws: WireError.malformed("rows without metadata")) {
            try CQLFixture.rows("rows-without-metadata", known: others)
        }
    }

    @Test func conditionsSayWhetherTheyHeld() throws {
        #expect(try CQLFixture.rows("rows-applied").wasApplied == true)
        let refused = try CQLFixture.rows("rows-not-applied")
        #expect(refused.wasApplied == false)
        #expect(try refused[0].decode("body", as: String.self) == "x")
        #expect(try CQLFixture.rows("rows-whole").wasApplied == nil)
        #expect(CQLResult().wasApplied == nil)
    }

    @Test func countersAreIntegers() throws {
        let rows = try CQLFixture.rows("rows-counter")
        #expect(try rows[0].decode("total", as: Int.self) == 3)
        #expect(try rows[0].decode("total", as: CQLValue.self) == .counter(3))
    }

    @Test func aPreparedStatementNamesItsKey() throws {
        let insert = try CQLFixture.prepared("prepared-insert")
        #expect(insert.id.count == 16)
        #expect(insert.markers.map(\.name) == ["seq", "body", "day", "room"])
        #expect(insert.markers.map(\.type) == [.bigint, .text, .int, .uuid])
        #expect(insert.markers[0].table == "messages")
        #expect(insert.partitionKey == [3, 2])
        #expect(insert.result.columns.isEmpty)
        let select = try CQLFixture.prepared("prepared-select")
        #expect(select.partitionKey == [0, 1])
        #expect(select.result.columns.map(\.name) == ["seq", "body"])
    }

    // MARK: Counts that lie

    private static func rows(_ body: [UInt8]) throws -> CQLResult {
        let frame = CQLFixture.frame(.result, [0, 0, 0, 2] + body)
        guard case .rows(let result) = try CQLFixture.decode(frame).content else {
            throw WireError.malformed("not rows")
        }
        return result
    }

    private static let oneColumn: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0x6B, 0, 1, 0x74, 0, 1, 0x63, 0, 9]

    @Test func aCountOfRowsIsHeldAgainstTheBytes() throws {
        let cell: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(try Self.rows(Self.oneColumn + [0, 0, 0, 2] + cell + cell).count == 2)
        for count in [[0, 0, 0, 3], [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]] {
            #expect(throws: WireError.malformed("number of rows")) {
                try Self.rows(Self.oneColumn + count + cell + cell)
            }
        }
    }

    @Test func rowsOfNoColumnsAreNone() throws {
        let noColumns: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0x6B, 0, 1, 0x74]
        #expect(try Self.rows(noColumns + [0, 0, 0, 0]).isEmpty)
        #expect(throws: WireError.malformed("number of rows")) { try Self.rows(noColumns + [0, 0, 0, 1]) }
    }

    @Test func aCountOfColumnsIsHeldAgainstTheBytes() {
        #expect(throws: WireError.malformed("number of columns")) { try Self.rows([0, 0, 0, 0, 0, 1, 0, 0]) }
        #expect(throws: WireError.truncated) { try Self.rows([0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 1, 0x6B]) }
    }

    @Test func aCellIsHeldAgainstTheBytes() throws {
        let head = Self.oneColumn + [0, 0, 0, 1]
        #expect(try Self.rows(head + [0, 0, 0, 4, 0, 0, 0, 7])[0].decode("c", as: Int.self) == 7)
        #expect(throws: WireError.truncated) { try Self.rows(head + [0, 0, 0, 5, 0, 0, 0, 7]) }
        let short = try Self.rows(head + [0, 0, 0, 3, 0, 0, 7])
        let failure = CQLCodingError(.malformed, "3 bytes that are no int", column: "c")
        #expect(throws: failure) { try short[0].decode("c", as: Int32.self) }
    }
}
