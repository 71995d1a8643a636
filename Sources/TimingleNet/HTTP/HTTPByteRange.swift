/// Bytes of a representation, first and last included (RFC 9110 section 14.1.2).
///
/// A value.
struct HTTPByteRange: Hashable, Sendable {
    var first: Int64
    var last: Int64

    var count: Int64 { self.last - self.first + 1 }

    /// Content-Range of this part of so many bytes.
    func contentRange(of length: Int64) -> String { "bytes \(self.first)-\(self.last)/\(length)" }

    /// Content-Range of a 416.
    static func unsatisfied(of length: Int64) -> String { "bytes */\(length)" }
}

extension HTTPByteRange {
    /// What a Range field asks for.
    enum Selection: Equatable, Sendable {
        /// Everything: the field is to be ignored.
        case whole
        /// One or more, in the order in which they were asked for.
        case ranges([HTTPByteRange])
        /// None that exists: 416.
        case unsatisfiable
    }

    /// More ranges than this, or more that overlap another, are asked for by nobody in earnest (section 17.15).
    static let countMax = 16
    static let overlapsMax = 2

    /// Reads the field of a request for a representation of `length` bytes.
    ///
    /// A field of another unit, or with a mistake in it, is ignored, and so is one that asks for too many: the whole is
    /// never wrong (section 14.2).
    static func select(_ value: String, of length: Int64) -> Selection {
        let bytes = Array(value.utf8)
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "=")) else { return .whole }
        guard asciiEqualsIgnoringCase(bytes[..<mark].trimmingHTTPWhitespace(), "bytes".utf8) else { return .whole }
        var ranges: [HTTPByteRange] = []
        var asked = 0
        for member in bytes[(mark + 1)...].split(separator: UInt8(ascii: ",")) {
            let text = member.trimmingHTTPWhitespace()
            if text.isEmpty { continue }
            asked += 1
            guard asked <= Self.countMax, let specification = Specification(text) else { return .whole }
            // 0 of 0 bytes cannot be written as a Content-Range.
            if length == 0, case .suffix(let count) = specification, count > 0 { return .whole }
            if let range = specification.resolved(for: length) { ranges.append(range) }
        }
        guard asked > 0, Self.overlaps(ranges) <= Self.overlapsMax else { return .whole }
        return ranges.isEmpty ? .unsatisfiable : .ranges(ranges)
    }

    private static func overlaps(_ ranges: [HTTPByteRange]) -> Int {
        let sorted = ranges.sorted { $0.first < $1.first }
        var count = 0
        var end: Int64 = -1
        for range in sorted {
            if range.first <= end { count += 1 }
            end = max(end, range.last)
        }
        return count
    }

    /// One member of the list, before the length is known.
    private enum Specification {
        case from(Int64, to: Int64?)
        case suffix(Int64)

        init?(_ text: ArraySlice<UInt8>) {
            guard let dash = text.firstIndex(of: UInt8(ascii: "-")) else { return nil }
            let last = text[(dash + 1)...]
            guard dash > text.startIndex else {
                guard let count = Self.number(last) else { return nil }
                self = .suffix(count)
                return
            }
            guard let first = Self.number(text[..<dash]) else { return nil }
            guard !last.isEmpty else {
                self = .from(first, to: nil)
                return
            }
            guard let end = Self.number(last), end >= first else { return nil }
            self = .from(first, to: end)
        }

        /// Nil where it lies behind the end.
        func resolved(for length: Int64) -> HTTPByteRange? {
            switch self {
            case .from(let first, let last):
                guard first < length else { return nil }
                return HTTPByteRange(first: first, last: min(last ?? .max, length - 1))
            case .suffix(let count):
                guard count > 0, length > 0 else { return nil }
                return HTTPByteRange(first: length - min(count, length), last: length - 1)
            }
        }

        /// Digits and nothing else; what is too large for 63 bits is beyond every file anyway.
        private static func number(_ text: ArraySlice<UInt8>) -> Int64? {
            guard !text.isEmpty else { return nil }
            var number: Int64 = 0
            for byte in text {
                guard HTTPByteClass.isDigit(byte) else { return nil }
                let (product, overflows) = number.multipliedReportingOverflow(by: 10)
                let (sum, carries) = product.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
                number = overflows || carries ? .max : sum
            }
            return number
        }
    }
}
