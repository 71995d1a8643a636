#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// A Range field: what is selected exists, is little enough, and is the same when written anew.
enum ByteRangeFuzz {
    private static let lengths: [Int64] = [0, 1, 2, 10, 255, 4_096, 1 << 32, .max]

    static func check(_ input: FuzzInput) throws {
        let length = Self.lengths[Int(input.choice) % Self.lengths.count]
        let text = String(decoding: input.bytes, as: UTF8.self)
        let selection = HTTPByteRange.select(text, of: length)
        // Commas part, and white space around them and empty members mean nothing.
        let spaced = text.split(separator: ",", omittingEmptySubsequences: false).joined(separator: " ,\t, ")
        try FuzzFinding.unless(HTTPByteRange.select(spaced, of: length) == selection, "the same with spaces")
        switch selection {
        case .whole: return
        case .unsatisfiable:
            guard length > 0 else { return }
            try Self.checkWithFirstByte(text, of: length, expected: [])
        case .ranges(let ranges):
            try Self.check(ranges, of: length)
            let again = "bytes=" + ranges.map { "\($0.first)-\($0.last)" }.joined(separator: ",")
            try FuzzFinding.unless(HTTPByteRange.select(again, of: length) == selection, "\(again) is the same")
            try Self.checkWithFirstByte(text, of: length, expected: ranges)
        }
    }

    private static func check(_ ranges: [HTTPByteRange], of length: Int64) throws {
        try FuzzFinding.unless((1...HTTPByteRange.countMax).contains(ranges.count), "some, and not too many")
        var overlaps = 0
        for (place, range) in ranges.enumerated() {
            try FuzzFinding.unless(0 <= range.first && range.first <= range.last, "\(range) is one")
            try FuzzFinding.unless(range.last < length, "\(range) exists in \(length) bytes")
            try FuzzFinding.unless(range.count >= 1 && range.count <= length, "\(range) has bytes")
            let isOverlapping = ranges[..<place].contains { $0.first <= range.last && range.first <= $0.last }
            if isOverlapping { overlaps += 1 }
        }
        // However they are counted: the bytes that are sent are bounded by the length.
        let most = (Int64(HTTPByteRange.overlapsMax) + 1).multipliedReportingOverflow(by: length)
        let sum = ranges.reduce(Int64(0)) { $0.addingReportingOverflow($1.count).partialValue }
        if !most.overflow { try FuzzFinding.unless(sum <= most.partialValue, "\(ranges) send too much") }
        try FuzzFinding.unless(overlaps <= 2 * HTTPByteRange.overlapsMax, "\(ranges) overlap")
    }

    /// One byte more that is asked for is one range more, or one too many.
    private static func checkWithFirstByte(_ text: String, of length: Int64, expected: [HTTPByteRange]) throws {
        let selection = HTTPByteRange.select(text + ",0-0", of: length)
        let more = HTTPByteRange.Selection.ranges(expected + [HTTPByteRange(first: 0, last: 0)])
        try FuzzFinding.unless(selection == more || selection == .whole, "\(selection) with the first byte")
    }
}
