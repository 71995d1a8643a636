/// A date as HTTP writes it: one form out, all three in (RFC 9110 section 5.6.7).
///
/// No state. Dates are seconds since 1970.
enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let longWeekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func imfFixdate(_ unixSeconds: Int64) -> String {
        let days = Int((Double(unixSeconds) / 86_400).rounded(.down))
        let rest = Int(unixSeconds - Int64(days) * 86_400)
        // 1970-01-01 was a Thursday.
        let weekday = Self.weekdays[(((days + 4) % 7) + 7) % 7]
        let (year, month, day) = Self.civil(days)
        let time = "\(Self.two(rest / 3_600)):\(Self.two(rest / 60 % 60)):\(Self.two(rest % 60))"
        return "\(weekday), \(Self.two(day)) \(Self.months[month - 1]) \(Self.four(year)) \(time) GMT"
    }

    /// Reads IMF-fixdate, RFC 850's form or asctime's; nil for anything else.
    ///
    /// RFC 850 gives the year two digits: it is the one that is not more than 50 years after `now`. A name of a day
    /// that does not fit its date is let pass, as recipients should be lenient here; one that does not exist is not.
    static func parse(_ text: String, now: Int64) -> Int64? {
        var reader = Reader(bytes: Array(text.utf8)[...])
        if reader.name(of: Self.longWeekdays) != nil { return Self.rfc850(&reader, now: now) }
        guard reader.name(of: Self.weekdays) != nil else { return nil }
        return reader.take(", ") ? Self.imfFixdate(&reader) : Self.asctime(&reader)
    }

    private static func imfFixdate(_ reader: inout Reader) -> Int64? {
        guard
            let day = reader.number(digits: 2), reader.take(" "),
            let month = reader.name(of: Self.months), reader.take(" "),
            let year = reader.number(digits: 4), reader.take(" "),
            let time = reader.timeOfDay(), reader.take(" GMT"), reader.isAtEnd
        else { return nil }
        return Self.seconds(year, month + 1, day, time)
    }

    private static func rfc850(_ reader: inout Reader, now: Int64) -> Int64? {
        guard
            reader.take(", "),
            let day = reader.number(digits: 2), reader.take("-"),
            let month = reader.name(of: Self.months), reader.take("-"),
            let shortYear = reader.number(digits: 2), reader.take(" "),
            let time = reader.timeOfDay(), reader.take(" GMT"), reader.isAtEnd
        else { return nil }
        let thisYear = Self.civil(Int((Double(now) / 86_400).rounded(.down))).year
        var year = thisYear - thisYear % 100 + 100 + shortYear
        while year > thisYear + 50 { year -= 100 }
        return Self.seconds(year, month + 1, day, time)
    }

    private static func asctime(_ reader: inout Reader) -> Int64? {
        guard reader.take(" "), let month = reader.name(of: Self.months), reader.take(" ") else { return nil }
        guard
            let day = reader.take(" ") ? reader.number(digits: 1) : reader.number(digits: 2), reader.take(" "),
            let time = reader.timeOfDay(), reader.take(" "),
            let year = reader.number(digits: 4), reader.isAtEnd
        else { return nil }
        return Self.seconds(year, month + 1, day, time)
    }

    // MARK: The calendar

    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ timeOfDay: Int) -> Int64? {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day >= 1, day <= lengths[month - 1] else { return nil }
        return Int64(Self.days(year, month, day)) * 86_400 + Int64(timeOfDay)
    }

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

    /// The way back; the year is 0 or later.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func four(_ number: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, 4 - text.utf8.count)) + text
    }

    // MARK: Letters and digits

    /// What is left of a date's text.
    private struct Reader {
        var bytes: ArraySlice<UInt8>

        var isAtEnd: Bool { self.bytes.isEmpty }

        mutating func take(_ text: String) -> Bool {
            guard self.bytes.starts(with: text.utf8) else { return false }
            self.bytes = self.bytes.dropFirst(text.utf8.count)
            return true
        }

        /// The place of the one of `names` that comes next; they are case-sensitive.
        mutating func name(of names: [String]) -> Int? {
            for (place, name) in names.enumerated() where self.take(name) { return place }
            return nil
        }

        mutating func number(digits: Int) -> Int? {
            guard self.bytes.count >= digits else { return nil }
            var number = 0
            for byte in self.bytes.prefix(digits) {
                guard HTTPByteClass.isDigit(byte) else { return nil }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
            }
            self.bytes = self.bytes.dropFirst(digits)
            return number
        }

        /// `08:49:37`, in seconds; 60 is a leap second.
        mutating func timeOfDay() -> Int? {
            guard
                let hour = self.number(digits: 2), hour <= 23, self.take(":"),
                let minute = self.number(digits: 2), minute <= 59, self.take(":"),
                let second = self.number(digits: 2), second <= 60
            else { return nil }
            return hour * 3_600 + minute * 60 + second
        }
    }
}
