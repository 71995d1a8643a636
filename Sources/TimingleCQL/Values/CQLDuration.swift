internal import TimingleNet

/// A span of time in months, days and nanoseconds, which nobody can add up.
///
/// A value; the parts must not differ in sign, which is checked where it is encoded.
package struct CQLDuration: Hashable, Sendable {
    package let months: Int32
    package let days: Int32
    package let nanoseconds: Int64

    package init(months: Int32, days: Int32, nanoseconds: Int64) {
        self.months = months
        self.days = days
        self.nanoseconds = nanoseconds
    }

    var hasOneSign: Bool {
        let isNegative = self.months < 0 || self.days < 0 || self.nanoseconds < 0
        let isPositive = self.months > 0 || self.days > 0 || self.nanoseconds > 0
        return !(isNegative && isPositive)
    }
}

/// Numbers of variable length: the leading ones of the first byte say how many follow (section 3, `[vint]`).
enum CQLVariableInteger {
    static func write(_ value: Int64, to writer: inout ByteWriter) {
        // Small numbers of either sign become small ones: 0, -1, 1, -2, …
        let folded = UInt64(bitPattern: value << 1 ^ value >> 63)
        let bits = max(1, 64 - folded.leadingZeroBitCount)
        let extra = min(8, (bits - 1) / 7)
        guard extra < 8 else {
            writer.writeUInt8(0xFF)
            return writer.writeUInt64(folded)
        }
        let mark = UInt8(truncatingIfNeeded: ~(UInt32(0xFF) >> UInt32(extra)))
        writer.writeUInt8(mark | UInt8(truncatingIfNeeded: folded >> UInt64(8 * extra)))
        for index in (0..<extra).reversed() {
            writer.writeUInt8(UInt8(truncatingIfNeeded: folded >> UInt64(8 * index)))
        }
    }

    static func read(from reader: inout ByteReader) throws(WireError) -> Int64 {
        let first = try reader.readUInt8()
        let extra = (~first).leadingZeroBitCount
        var folded = extra == 8 ? 0 : UInt64(first & (0xFF >> UInt8(extra)))
        for _ in 0..<extra { folded = folded << 8 | UInt64(try reader.readUInt8()) }
        return Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
    }

    /// The three numbers of a duration.
    static func duration(_ cell: CQLCell) throws(CQLCodingError) -> CQLDuration {
        let bytes = cell.bytes
        var reader = ByteReader(bytes.span.bytes)
        do throws(WireError) {
            let months = Int32(exactly: try self.read(from: &reader))
            let days = Int32(exactly: try self.read(from: &reader))
            let nanoseconds = try self.read(from: &reader)
            guard let months, let days, reader.remaining == 0 else { throw .malformed("duration") }
            return CQLDuration(months: months, days: days, nanoseconds: nanoseconds)
        } catch {
            throw cell.malformed()
        }
    }
}
