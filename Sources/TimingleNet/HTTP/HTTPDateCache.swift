/// The Date field line, formatted once per second.
///
/// Loop-confined.
struct HTTPDateCache {
    private var second = Int64.min
    private(set) var line: [UInt8] = []

    /// Makes `line` tell this second: `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its line end.
    mutating func turn(unixSeconds: Int64) {
        guard unixSeconds != self.second else { return }
        self.second = unixSeconds
        self.line = Array("Date: \(Self.imfFixdate(unixSeconds))\r\n".utf8)
    }

    /// IMF-fixdate of RFC 9110 section 5.6.7.
    static func imfFixdate(_ unixSeconds: Int64) -> String {
        let days = Int((Double(unixSeconds) / 86_400).rounded(.down))
        let rest = Int(unixSeconds - Int64(days) * 86_400)
        // 1970-01-01 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
        let (year, month, day) = Self.civil(days)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = "\(Self.two(rest / 3_600)):\(Self.two(rest / 60 % 60)):\(Self.two(rest % 60))"
        return "\(weekday), \(Self.two(day)) \(months[month - 1]) \(year) \(time) GMT"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Days since 1970 as a proleptic Gregorian date (era arithmetic: 146,097 days are 400 years).
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
