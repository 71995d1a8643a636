import Testing
import TimingleCQL
import TimingleNet

struct CQLValueTests {
    private static func encode(_ value: CQLValue, as type: CQLType?) throws(CQLCodingError) -> [UInt8] {
        var writer = ByteWriter()
        try value.write(to: &writer, as: type)
        return writer.bytes
    }

    /// Writes as the type and reads what is behind the length.
    private static func roundTrip(_ value: CQLValue, _ type: CQLType) throws -> CQLValue {
        let bytes = try Self.encode(value, as: type)
        var reader = ByteReader(bytes.span.bytes)
        let content = try reader.readCQLBytes()
        #expect(reader.remaining == 0)
        return try CQLValue.decode(CQLCell(type: type, bytes: content))
    }

    private static let place = CQLUserType(
        keyspace: "k",
        name: "place",
        fields: [CQLUserType.Field("street", .text), CQLUserType.Field("number", .int)]
    )

    private static let samples: [(CQLValue, CQLType)] = [
        (.ascii("abc"), .ascii), (.ascii(""), .ascii), (.bigint(.min), .bigint), (.blob([0, 255]), .blob),
        (.blob([]), .blob), (.boolean(true), .boolean), (.boolean(false), .boolean), (.counter(-1), .counter),
        (.date(CQLDate(days: .min)), .date), (.date(CQLDate(days: .max)), .date),
        (.decimal(CQLDecimal(unscaled: CQLVarint(-1), scale: -7)), .decimal), (.double(-0.0), .double),
        (.double(.infinity), .double), (.duration(CQLDuration(months: 1, days: 2, nanoseconds: 3)), .duration),
        (.duration(CQLDuration(months: .min, days: .min, nanoseconds: .min)), .duration), (.float(1.5), .float),
        (.inet(.ipv4(0x0102_0304)), .inet), (.inet(.ipv6(high: 1, low: 2)), .inet), (.int(.max), .int),
        (.smallint(.min), .smallint), (.text("한글 🙂"), .text), (.text(""), .text),
        (.time(CQLTime(nanoseconds: 0)), .time), (.time(CQLTime(nanoseconds: CQLTime.nanosecondsPerDay - 1)), .time),
        (.timestamp(CQLTimestamp(milliseconds: -1)), .timestamp), (.tinyint(-128), .tinyint),
        (.uuid(CQLUUID(high: 1, low: 2)), .uuid), (.varint(CQLVarint(.min)), .varint), (.null, .text),
        (.empty, .bigint), (.empty, .inet), (.list([]), .list(.int)), (.list([.int(1), .int(-1)]), .list(.int)),
        (.set([.text("a"), .text("")]), .set(.text)), (.map([]), .map(.int, .text)),
        (.map([CQLMapEntry(.int(1), .list([.text("x")]))]), .map(.int, .list(.text))),
        (.tuple([.int(1), .null]), .tuple([.int, .text])), (.custom([1, 2]), .custom("x")),
        (.udt([CQLFieldValue("street", .null), CQLFieldValue("number", .int(7))]), .udt(Self.place)),
    ]

    @Test(arguments: Self.samples.indices)
    func everyTypeGoesAround(index: Int) throws {
        let (value, type) = Self.samples[index]
        #expect(try Self.roundTrip(value, type) == value)
    }

    @Test func knownBytesAreThoseOfTheSpecification() throws {
        let date = CQLDate(days: 0)
        #expect(try Self.encode(.date(date), as: .date) == [0, 0, 0, 4, 0x80, 0, 0, 0])
        let list = try Self.encode(.list([.int(1)]), as: .list(.int))
        #expect(list == [0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1])
        let duration = CQLDuration(months: -1, days: -2, nanoseconds: -3)
        #expect(try Self.encode(.duration(duration), as: .duration) == [0, 0, 0, 3, 1, 3, 5])
        #expect(try Self.encode(.null, as: .int) == [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(try Self.encode(.unset, as: .int) == [0xFF, 0xFF, 0xFF, 0xFE])
        let decimal = CQLDecimal(unscaled: CQLVarint(128), scale: 2)
        #expect(try Self.encode(.decimal(decimal), as: .decimal) == [0, 0, 0, 6, 0, 0, 0, 2, 0, 0x80])
    }

    @Test func integersFitWhereTheyFit() throws {
        for type in [CQLType.tinyint, .smallint, .int, .bigint, .counter, .varint] {
            for value in [CQLValue.tinyint(7), .smallint(7), .int(7), .bigint(7), .counter(7), .varint(CQLVarint(7))] {
                let cell = try Self.roundTrip(value, type)
                #expect(cell == (try Self.roundTrip(.bigint(7), type)))
            }
        }
        let tooBig = CQLCodingError(.outOfRange, "128 is not within -128...127 of tinyint")
        #expect(throws: tooBig) { try Self.encode(128.cqlValue, as: .tinyint) }
        #expect(throws: Never.self) { try Self.encode((-128).cqlValue, as: .tinyint) }
        #expect(throws: CQLCodingError.self) { try Self.encode((-129).cqlValue, as: .tinyint) }
        #expect(throws: CQLCodingError.self) { try Self.encode(.bigint(1 << 31), as: .int) }
        #expect(throws: CQLCodingError.self) {
            try Self.encode(.varint(CQLVarint(bytes: Array(repeating: 1, count: 9))), as: .bigint)
        }
        #expect(throws: CQLCodingError.self) { try Self.encode(.bigint(1), as: .text) }
        #expect(throws: CQLCodingError.self) { try Self.encode(.bigint(1), as: .timestamp) }
    }

    @Test func floatsLoseNothing() throws {
        #expect(try Self.roundTrip(.double(0.5), .float) == .float(0.5))
        #expect(try Self.roundTrip(.float(0.5), .double) == .double(0.5))
        #expect(throws: CQLCodingError.self) { try Self.encode(.double(0.1), as: .float) }
        #expect(throws: Never.self) { try Self.encode(.double(.nan), as: .float) }
        #expect(throws: Never.self) { try Self.encode(.double(-.infinity), as: .float) }
    }

    @Test func rangesHaveRules() throws {
        let beyond = CQLTime(nanoseconds: CQLTime.nanosecondsPerDay)
        #expect(throws: CQLCodingError(.outOfRange, "a time of day beyond the day")) {
            try Self.encode(.time(beyond), as: .time)
        }
        #expect(throws: CQLCodingError(.outOfRange, "a text beyond ASCII")) {
            try Self.encode(.text("é"), as: .ascii)
        }
        #expect(throws: CQLCodingError(.outOfRange, "a duration of two signs")) {
            try Self.encode(.duration(CQLDuration(months: 1, days: -1, nanoseconds: 0)), as: .duration)
        }
        let random = try #require(CQLUUID("123e4567-e89b-42d3-a456-426614174000"))
        #expect(throws: CQLCodingError(.outOfRange, "a UUID that is not of version 1")) {
            try Self.encode(.uuid(random), as: .timeuuid)
        }
        let timed = try #require(TimeUUID(unixTicks: 0, clockSequence: 0, node: 0))
        #expect(try Self.roundTrip(.uuid(timed.uuid), .timeuuid) == .timeuuid(timed))
        #expect(try Self.roundTrip(.timeuuid(timed), .uuid) == .uuid(timed.uuid))
    }

    @Test func whatIsBoundIsOfTheMarkersType() {
        for (value, _) in Self.samples {
            switch value {
            case .null, .empty, .custom, .blob: continue
            default:
                #expect(throws: CQLCodingError.self, "\(value)") { try Self.encode(value, as: .custom("x")) }
            }
        }
        #expect(throws: CQLCodingError.mismatched("list is no map<int, int>")) {
            try Self.encode(.list([]), as: .map(.int, .int))
        }
        #expect(throws: CQLCodingError.self) { try Self.encode(.map([]), as: .list(.int)) }
        #expect(throws: CQLCodingError.self) { try Self.encode(.set([]), as: .list(.int)) }
        #expect(throws: CQLCodingError.self) { try Self.encode(.text("a"), as: .blob) }
    }

    @Test func nullsStandWhereTheyMay() throws {
        #expect(throws: CQLCodingError(.null, "null inside of a value")) {
            try Self.encode(.list([.null]), as: .list(.int))
        }
        #expect(throws: CQLCodingError(.null, "an unset value inside of a value")) {
            try Self.encode(.tuple([.unset]), as: .tuple([.int]))
        }
        #expect(try Self.roundTrip(.tuple([.int(1)]), .tuple([.int, .text])) == .tuple([.int(1), .null]))
        #expect(throws: CQLCodingError(.typeMismatch, "too many parts of a tuple")) {
            try Self.encode(.tuple([.int(1), .int(2)]), as: .tuple([.int]))
        }
    }

    @Test func fieldsGoByTheirNames() throws {
        let fields = [CQLFieldValue("number", .int(7))]
        let whole = CQLValue.udt([CQLFieldValue("street", .null), CQLFieldValue("number", .int(7))])
        #expect(try Self.roundTrip(.udt(fields), .udt(Self.place)) == whole)
        #expect(throws: CQLCodingError(.column, "place has no field nobody")) {
            try Self.encode(.udt([CQLFieldValue("nobody", .int(7))]), as: .udt(Self.place))
        }
        let wrong = CQLCodingError(.typeMismatch, "text is no int", column: "number")
        #expect(throws: CQLCodingError(wrong.code, "an integer is no text", column: "street")) {
            try Self.encode(.udt([CQLFieldValue("street", .int(1))]), as: .udt(Self.place))
        }
    }

    @Test func aTypeThatGrewLeavesOldValuesShort() throws {
        let short = CQLCell(type: .udt(Self.place), bytes: [0, 0, 0, 1, 0x61])
        let expected = [CQLFieldValue("street", .text("a")), CQLFieldValue("number", .null)]
        #expect(try CQLValue.decode(short) == .udt(expected))
        let long = CQLCell(type: .tuple([.text]), bytes: [0, 0, 0, 1, 0x61, 0, 0, 0, 1, 0x62])
        #expect(try CQLValue.decode(long) == .tuple([.text("a")]))
    }

    @Test func depthHasALimit() throws {
        func nested(_ depth: Int) -> CQLValue { (0..<depth).reduce(.int(1)) { value, _ in .list([value]) } }
        #expect(throws: Never.self) { try Self.encode(nested(CQLType.depthMax - 1), as: nil) }
        let failure = CQLCodingError(.limitExceeded, "values stand too deep in each other")
        #expect(throws: failure) { try Self.encode(nested(CQLType.depthMax), as: nil) }
        #expect(throws: failure) { try Self.encode(nested(1_000), as: nil) }
    }

    @Test(arguments: [CQLType.list(.int), .set(.int), .map(.int, .int)])
    func countsAreHeldAgainstTheBytes(type: CQLType) {
        for bytes in [
            [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0],
            [0, 0, 0, 0, 1],
            [0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]] {
            #expect(throws: CQLCodingError.self, "\(bytes)") { try CQLValue.decode(CQLCell(type: type, bytes: bytes)) }
        }
    }

    @Test func fixedSizesAreExact() {
        let sizes: [(CQLType, Int)] = [
            (.bigint, 8), (.boolean, 1), (.counter, 8), (.date, 4), (.double, 8), (.float, 4), (.int, 4),
            (.smallint, 2), (.time, 8), (.timestamp, 8), (.tinyint, 1), (.uuid, 16),
        ]
        for (type, size) in sizes {
            let right = CQLCell(type: type, bytes: Array(repeating: 0, count: size))
            #expect(throws: Never.self, "\(type)") { try CQLValue.decode(right) }
            for other in [size - 1, size + 1] where other > 0 {
                let wrong = CQLCell(type: type, bytes: Array(repeating: 0, count: other))
                #expect(throws: CQLCodingError.self, "\(type)") { try CQLValue.decode(wrong) }
            }
        }
    }

    @Test func textIsUTF8() {
        let failure = CQLCodingError(.malformed, "1 bytes that are no text")
        #expect(throws: failure) { try CQLValue.decode(CQLCell(type: .text, bytes: [0xFF])) }
        #expect(throws: CQLCodingError.self) { try String.decode(CQLCell(type: .ascii, bytes: [0xC0, 0x80])) }
    }
}

extension CQLCodingError {
    fileprivate static func mismatched(_ rule: String) -> CQLCodingError { CQLCodingError(.typeMismatch, rule) }
}
