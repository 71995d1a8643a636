import Testing

@testable import TimingleCore

struct PostgresCodingTests {
    private func decoded<Value: PostgresDecodable>(
        _ bytes: [UInt8]?,
        _ type: PostgresType,
        as: Value.Type
    ) throws(PostgresDecodingError) -> Value {
        // A slice that does not start at 0 finds code that counts from there.
        let padded: [UInt8]? = bytes.map { [0xAA, 0xBB] + $0 }
        return try Value.decode(PostgresValue(type: type, bytes: padded?.dropFirst(2)))
    }

    private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(_ value: Value) throws {
        let back = try self.decoded(value.postgresBytes, Value.postgresType, as: Value.self)
        #expect(back == value)
    }

    @Test func integersAreBigEndianTwosComplement() throws {
        #expect(Int64(-2).postgresBytes == [255, 255, 255, 255, 255, 255, 255, 254])
        #expect(Int32(258).postgresBytes == [0, 0, 1, 2])
        for value in [Int64.min, -1, 0, 1, .max] { try self.roundTrip(value) }
        for value in [Int32.min, -1, 0, 1, .max] { try self.roundTrip(value) }
        for value in [Int16.min, -1, 0, 1, .max] { try self.roundTrip(value) }
        let widened = try self.decoded([0xFF, 0xFF], .int2, as: Int64.self)
        #expect(widened == -1)
    }

    @Test func anIntegerThatDoesNotFitIsAnErrorAndNoTrap() {
        #expect(throws: PostgresDecodingError.outOfRange) {
            try self.decoded(Int64(1 << 40).postgresBytes, .int8, as: Int32.self)
        }
        #expect(throws: PostgresDecodingError.malformed("3 bytes for an integer")) {
            try self.decoded([1, 2, 3], .int4, as: Int64.self)
        }
        #expect(throws: PostgresDecodingError.unexpectedType(.text)) {
            try self.decoded([1], .text, as: Int64.self)
        }
        #expect(throws: PostgresDecodingError.unexpectedNull) { try self.decoded(nil, .int8, as: Int64.self) }
    }

    @Test func scalarsMakeTheRoundTrip() throws {
        for value in [0, -0.0, 1.5, -.infinity, .greatestFiniteMagnitude] { try self.roundTrip(value) }
        #expect(1.0.postgresBytes == [0x3F, 0xF0, 0, 0, 0, 0, 0, 0])
        for value in [true, false] { try self.roundTrip(value) }
        for value in ["", "약속", "a\u{1F600}b"] { try self.roundTrip(value) }
        try self.roundTrip([UInt8]([0, 1, 255]))
        try self.roundTrip([UInt8]())
        let nothing = try self.decoded(nil, .text, as: String?.self)
        #expect(nothing == nil)
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: PostgresDecodingError.malformed("not UTF-8")) {
            try self.decoded([0xC3, 0x28], .text, as: String.self)
        }
    }

    @Test func jsonbCarriesItsVersion() throws {
        #expect(PostgresJSON("{}").postgresBytes == [1, 0x7B, 0x7D])
        let text = try self.decoded([1, 0x7B, 0x7D], .jsonb, as: String.self)
        #expect(text == "{}")
        #expect(throws: PostgresDecodingError.malformed("unknown version of jsonb")) {
            try self.decoded([2, 0x7B, 0x7D], .jsonb, as: PostgresJSON.self)
        }
        let plain = try self.decoded([0x7B, 0x7D], .json, as: PostgresJSON.self)
        #expect(plain.text == "{}")
    }

    @Test(
        arguments: [
            // Milliseconds since 1970, microseconds since 2000.
            (946_684_800_000, 0), (946_684_800_001, 1_000), (946_684_799_999, -1_000), (0, -946_684_800_000_000),
            (-62_167_219_200_000, -63_113_904_000_000_000), (253_402_300_799_999, 252_455_615_999_999_000),
        ] as [(Int64, Int64)]
    )
    func timestampsCountFrom2000InMicroseconds(milliseconds: Int64, microseconds: Int64) throws {
        let time = Timestamp(milliseconds: milliseconds)
        #expect(time.postgresBytes == PostgresBinary.bytes(microseconds))
        try self.roundTrip(time)
    }

    @Test func timestampsAreCutToTheMillisecondBeforeAndInfinityIsRefused() throws {
        let late = try self.decoded(PostgresBinary.bytes(Int64(1_999)), .timestamptz, as: Timestamp.self)
        #expect(late.milliseconds == 946_684_800_001)
        let early = try self.decoded(PostgresBinary.bytes(Int64(-1)), .timestamptz, as: Timestamp.self)
        #expect(early.milliseconds == 946_684_799_999)
        for infinity in [Int64.min, .max] {
            #expect(throws: PostgresDecodingError.outOfRange) {
                try self.decoded(PostgresBinary.bytes(infinity), .timestamptz, as: Timestamp.self)
            }
        }
    }

    @Test func identifiersKeepTheirBits() throws {
        let id = Identifier128(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(id.postgresBytes?.first == 0x01)
        #expect(id.postgresBytes?.last == 0x10)
        try self.roundTrip(id)
        try self.roundTrip(MessageID(rawValue: id))
        try self.roundTrip(EventID(rawValue: 42))
        #expect(throws: PostgresDecodingError.malformed("3 bytes for a uuid")) {
            try self.decoded([1, 2, 3], .uuid, as: Identifier128.self)
        }
    }

    @Test func wordsOutsideOfTheirListAreRefused() throws {
        try self.roundTrip(EventStatus.confirmed)
        #expect(throws: PostgresDecodingError.outOfRange) {
            try self.decoded(Array("NONSENSE".utf8), .varchar, as: EventStatus.self)
        }
    }

    @Test func arraysHaveTheLayoutOfArraySend() throws {
        #expect(
            [Int64]([1]).postgresBytes == [
                0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1,
            ]
        )
        #expect([String]().postgresBytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25])
        try self.roundTrip([Int64]([.min, 0, .max]))
        try self.roundTrip(["", "b", "약속"])
        try self.roundTrip([UserID(rawValue: 1), UserID(rawValue: 2)])
        try self.roundTrip([String]())
        try self.roundTrip([true, false])
        try self.roundTrip([EventStatus.proposed, .done])
        try self.roundTrip(["a", nil, "c"])
    }

    @Test func everyPrefixOfAnArrayIsRefused() throws {
        let bytes = try #require([Int64]([1, 2]).postgresBytes)
        for length in 0..<bytes.count {
            #expect(throws: PostgresDecodingError.self, "prefix of \(length)") {
                try self.decoded(Array(bytes.prefix(length)), .int8Array, as: [Int64].self)
            }
        }
        #expect(throws: PostgresDecodingError.self) {
            try self.decoded(bytes + [0], .int8Array, as: [Int64].self)
        }
    }

    @Test func anArrayThatLiesAboutItsLengthReservesNothing() {
        var bytes: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20]
        bytes += [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]
        #expect(throws: PostgresDecodingError.malformed("array length 2147483647")) {
            try self.decoded(bytes, .int8Array, as: [Int64].self)
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0..<48, using: &generator)).map { _ in
                UInt8.random(in: 0...3, using: &generator)
            }
            _ = try? self.decoded(bytes, .int8Array, as: [Int64].self)
            _ = try? self.decoded(bytes, .textArray, as: [String].self)
            _ = try? self.decoded(bytes, .uuid, as: Identifier128.self)
            _ = try? self.decoded(bytes, .timestamptz, as: Timestamp.self)
            _ = try? self.decoded(bytes, .jsonb, as: PostgresJSON.self)
        }
    }
}
