/// A UUID of any version: sixteen bytes in reading order.
///
/// A value.
package struct CQLUUID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses the form with four hyphens, of either case; nil for anything else.
    package init?(_ text: String) {
        var halves: [UInt64] = [0, 0]
        var digits = 0
        for (index, byte) in text.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard digits < 32, let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
            halves[digits / 16] = halves[digits / 16] << 4 | UInt64(digit)
            digits += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: halves[0], low: halves[1])
    }

    package var version: Int { Int(self.high >> 12 & 0xF) }

    package var description: String {
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        return hex(self.high >> 32, 8) + "-" + hex(self.high >> 16 & 0xFFFF, 4) + "-" + hex(self.high & 0xFFFF, 4) + "-"
            + hex(self.low >> 48, 4) + "-" + hex(self.low & 0xFFFF_FFFF_FFFF, 12)
    }

    /// As bytes, without regard to what they mean.
    package static func < (left: CQLUUID, right: CQLUUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
