#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// Dates of conditions: what is read is the same when written anew, in each of the three forms.
enum DateFuzz {
    private static let clocks: [Int64] = [784_111_777, 0, 1_768_471_200, 4_102_444_799, -1]
    /// The years 0 to 9999, which have four digits.
    private static let written: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    static func check(_ input: FuzzInput) throws {
        let now = Self.clocks[Int(input.choice) % Self.clocks.count]
        let text = String(decoding: input.bytes, as: UTF8.self)
        if let seconds = HTTPDate.parse(text, now: now) { try Self.checkRead(text, seconds, now) }
        // And the other way round, with the bytes as a number.
        let number = input.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let span = UInt64(Self.written.upperBound - Self.written.lowerBound) + 1
        try Self.checkWritten(Self.written.lowerBound + Int64(number % span), now)
    }

    private static func checkRead(_ text: String, _ seconds: Int64, _ now: Int64) throws {
        try FuzzFinding.unless(text.utf8.allSatisfy { (0x20..<0x7f).contains($0) }, "\(text) is plain")
        try FuzzFinding.unless((24...33).contains(text.utf8.count), "\(text) has a date's length")
        // The last second of all may be a leap second.
        try FuzzFinding.unless(
            Self.written.contains(seconds) || seconds == Self.written.upperBound + 1,
            "\(text) is in a year of four digits"
        )
        guard Self.written.contains(seconds) else { return }
        let again = HTTPDate.imfFixdate(seconds)
        try FuzzFinding.unless(HTTPDate.parse(again, now: now) == seconds, "\(text) is \(again)")
        // RFC 850's form alone has hyphens.
        guard text.utf8.contains(UInt8(ascii: "-")) else { return }
        let distance = Self.year(seconds) - Self.year(now)
        try FuzzFinding.unless(distance <= 51 && distance > -51, "\(text) is near \(HTTPDate.imfFixdate(now))")
    }

    /// What we write is read back, and so are the other two forms of it.
    private static func checkWritten(_ seconds: Int64, _ now: Int64) throws {
        let text = HTTPDate.imfFixdate(seconds)
        try FuzzFinding.unless(text.utf8.count == 29, "\(text) has 29 bytes")
        try FuzzFinding.unless(HTTPDate.parse(text, now: now) == seconds, "\(text) reads back")
        let words = text.split(separator: " ").map(String.init)
        let day = words[1].hasPrefix("0") ? " \(words[1].suffix(1))" : words[1]
        let asctime = "\(words[0].prefix(3)) \(words[2]) \(day) \(words[4]) \(words[3])"
        try FuzzFinding.unless(HTTPDate.parse(asctime, now: now) == seconds, "\(asctime) is \(text)")
        let years = Self.year(seconds) - Self.year(now)
        guard years <= 50, years > -50 else { return }
        let longDay = ["Sun": "Sunday", "Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday"]
        let weekday = longDay[String(words[0].prefix(3))] ?? (words[0].hasPrefix("Fri") ? "Friday" : "Saturday")
        let rfc850 = "\(weekday), \(words[1])-\(words[2])-\(words[3].suffix(2)) \(words[4]) GMT"
        try FuzzFinding.unless(HTTPDate.parse(rfc850, now: now) == seconds, "\(rfc850) is \(text)")
    }

    private static func year(_ seconds: Int64) -> Int {
        Int(HTTPDate.imfFixdate(seconds).dropFirst(12).prefix(4)) ?? 0
    }
}
