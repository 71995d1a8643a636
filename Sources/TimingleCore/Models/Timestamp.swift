/// A point in time in milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Immutable.
///
/// The precision of the wire, of PostgreSQL's columns as we write them and of CQL's timestamps is the same.
package struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    package let milliseconds: Int64

    /// The years that RFC 3339 can print: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
    package static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    package static func + (left: Self, right: Duration) -> Self {
        let (seconds, attoseconds) = right.components
        return Timestamp(milliseconds: left.milliseconds + seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }
    package static func - (left: Self, right: Self) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Timestamp(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 date-time")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}

extension Timestamp {
    /// `2026-01-15T10:00:00.000Z`: always UTC, always three digits of fraction (RFC 3339).
    package var description: String {
        let value = min(max(self.milliseconds, Self.range.lowerBound), Self.range.upperBound)
        var days = value / 86_400_000
        var rest = value % 86_400_000
        if rest < 0 {
            rest += 86_400_000
            days -= 1
        }
        let (year, month, day) = Self.civil(days: days)
        return String(unsafeUninitializedCapacity: 24) { buffer in
            var position = 0
            func put(_ value: Int64, digits: Int, then separator: Unicode.Scalar) {
                var divisor: Int64 = 1
                for _ in 1..<digits { divisor *= 10 }
                while divisor > 0 {
                    buffer[position] = UInt8(ascii: "0") + UInt8(value / divisor % 10)
                    position += 1
                    divisor /= 10
                }
                buffer[position] = UInt8(ascii: separator)
                position += 1
            }
            put(year, digits: 4, then: "-")
            put(month, digits: 2, then: "-")
            put(day, digits: 2, then: "T")
            put(rest / 3_600_000, digits: 2, then: ":")
            put(rest / 60_000 % 60, digits: 2, then: ":")
            put(rest / 1_000 % 60, digits: 2, then: ".")
            put(rest % 1_000, digits: 3, then: "Z")
            return position
        }
    }

    /// Parses RFC 3339 section 5.6: `T` and `Z` in either case, any fraction (cut to milliseconds), numeric offsets.
    package init?(rfc3339 text: String) {
        var cursor = Cursor(bytes: Array(text.utf8.prefix(64)))
        guard
            let year = cursor.digits(4), cursor.skip("-"),
            let month = cursor.digits(2), cursor.skip("-"),
            let day = cursor.digits(2), cursor.skip("T") || cursor.skip("t") || cursor.skip(" "),
            let hour = cursor.digits(2), cursor.skip(":"),
            let minute = cursor.digits(2), cursor.skip(":"),
            let second = cursor.digits(2),
            let fraction = cursor.fraction(),
            let offsetMinutes = cursor.offsetMinutes(), cursor.isAtEnd,
            1...12 ~= month, 1...Self.daysIn(month: month, year: year) ~= day,
            hour < 24, minute < 60, second <= 60
        else { return nil }
        // A leap second is the last millisecond of its minute here.
        let seconds = min(second, 59)
        let milliseconds = second == 60 ? 999 : fraction
        let minutes = (Self.days(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offsetMinutes
        let value = (minutes * 60 + seconds) * 1_000 + milliseconds
        guard Self.range.contains(value) else { return nil }
        self.init(milliseconds: value)
    }

    private struct Cursor {
        let bytes: [UInt8]
        var position = 0
        var isAtEnd: Bool { self.position == self.bytes.count }

        mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
            guard self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: scalar) else {
                return false
            }
            self.position += 1
            return true
        }

        mutating func digit() -> Int64? {
            guard self.position < self.bytes.count, 48...57 ~= self.bytes[self.position] else { return nil }
            defer { self.position += 1 }
            return Int64(self.bytes[self.position] - 48)
        }

        mutating func digits(_ count: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<count {
                guard let digit = self.digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// Milliseconds of an optional fraction; nil for a dot without digits.
        mutating func fraction() -> Int64? {
            guard self.skip(".") else { return 0 }
            guard let first = self.digit() else { return nil }
            var value = first * 100
            var weight: Int64 = 10
            while let digit = self.digit() {
                value += digit * weight
                weight /= 10
            }
            return value
        }

        mutating func offsetMinutes() -> Int64? {
            if self.skip("Z") || self.skip("z") { return 0 }
            let sign: Int64
            if self.skip("+") {
                sign = 1
            } else if self.skip("-") {
                sign = -1
            } else {
                return nil
            }
            guard
                let hours = self.digits(2), self.skip(":"), let minutes = self.digits(2), hours < 24, minutes < 60
            else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }

    private static func daysIn(month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a civil date (Howard Hinnant, chrono-compatible low-level date algorithms).
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}
