import Testing
import TimingleCore
import TimingleTestSupport

struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000Z", 0),
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-15T10:00:00.123Z", 1_768_471_200_123),
        ("2026-01-15T19:00:00.123+09:00", 1_768_471_200_123),
        ("2026-01-15t10:00:00.123456789z", 1_768_471_200_123),
        ("2026-01-15 10:00:00.1Z", 1_768_471_200_100),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("2016-12-31T23:59:60Z", 1_483_228_799_999),
    ])
    func parsesRFC3339(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-01-15", "2026-01-15T10:00Z", "2026-01-15T10:00:00", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-01-32T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-15T24:00:00Z",
        "2026-01-15T10:60:00Z", "2026-01-15T10:00:61Z", "2026-01-15T10:00:00.Z", "2026-01-15T10:00:00+9:00",
        "2026-01-15T10:00:00+24:00", "2026-01-15T10:00:00ZZ", " 2026-01-15T10:00:00Z", "+026-01-15T10:00:00Z",
        "2026-01-15T10:00:00.0000000000000000000000000000000000000000000000000Z", "２０２６-01-15T10:00:00Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999-00:01",
    ])
    func refusesWhatIsNotADateTime(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func printsWhatItParses() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let timestamp = Timestamp(milliseconds: Int64.random(in: Timestamp.range, using: &random))
            #expect(Timestamp(rfc3339: timestamp.description) == timestamp)
            #expect(timestamp.description.utf8.count == 24)
        }
    }

    @Test func printedTimesSortAsTheirTextDoes() {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<2_000 {
            let left = Timestamp(milliseconds: Int64.random(in: Timestamp.range, using: &random))
            let right = Timestamp(milliseconds: Int64.random(in: Timestamp.range, using: &random))
            #expect((left < right) == (left.description < right.description))
        }
    }
}
