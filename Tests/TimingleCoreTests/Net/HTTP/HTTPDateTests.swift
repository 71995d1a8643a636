import Testing

@testable import TimingleNet

struct HTTPDateTests {
    private static let now: Int64 = 1_795_884_000  // November 2026

    private static let allThreeFormsAreReadTable: [(String, Int64)] = [
        // RFC 9110 section 5.6.7.
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
        ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
        ("Thu Nov 16 00:00:00 2023", 1_700_092_800),
        // A leap second is the first of the next minute.
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
        // The name of the day is not checked against the date.
        ("Mon, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        // 1 January of the year 0, as a proleptic date.
        ("Sat, 01 Jan 0000 00:00:00 GMT", -62_167_219_200),
    ]

    @Test(arguments: Self.allThreeFormsAreReadTable)
    func allThreeFormsAreRead(text: String, seconds: Int64) {
        #expect(HTTPDate.parse(text, now: Self.now) == seconds)
    }

    @Test(arguments: [
        "", "GMT", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "sun, 06 Nov 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Wed, 29 Feb 2023 12:00:00 GMT", "Thu, 29 Feb 1900 12:00:00 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94", "Sun Nov 6 08:49:37 1994", "Sun, 06 Nov ٢٠٢٤ 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", "784111777",
    ])
    func whatIsNoDateIsNone(text: String) {
        #expect(HTTPDate.parse(text, now: Self.now) == nil)
    }

    /// More than 50 years ahead is the past.
    @Test(arguments: [("26", 2026), ("76", 2076), ("77", 1977), ("00", 2000), ("99", 1999), ("94", 1994)])
    func twoDigitsMeanTheNearerCentury(year: String, expected: Int) throws {
        let seconds = try #require(HTTPDate.parse("Friday, 01-Jan-\(year) 00:00:00 GMT", now: Self.now))
        #expect(HTTPDate.imfFixdate(seconds).contains(" \(expected) "))
    }

    @Test func whatIsWrittenReadsBack() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -62_167_219_200...253_402_300_799, using: &generator)
            let text = HTTPDate.imfFixdate(seconds)
            #expect(text.utf8.count == 29 && HTTPDate.parse(text, now: Self.now) == seconds, "\(seconds): \(text)")
        }
    }

    @Test func everyPrefixAndEveryChangedByteIsSurvived() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            let bytes = Array(text.utf8)
            for count in 0..<bytes.count {
                #expect(HTTPDate.parse(String(decoding: bytes[..<count], as: UTF8.self), now: Self.now) == nil)
                for byte in [UInt8(0), 0x20, 0x2d, 0x39, 0x41, 0x7f] {
                    var changed = bytes
                    changed[count] = byte
                    _ = HTTPDate.parse(String(decoding: changed, as: UTF8.self), now: Self.now)
                }
            }
        }
    }
}
