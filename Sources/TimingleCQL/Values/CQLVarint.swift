/// An integer of any size: two's complement, most significant byte first, no byte more than it needs.
///
/// A value.
package struct CQLVarint: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// Of bytes as they travel, of which superfluous ones are dropped; none is zero.
    package init(bytes: [UInt8]) {
        var start = 0
        while start + 1 < bytes.count,
            (bytes[start] == 0x00 && bytes[start + 1] < 0x80) || (bytes[start] == 0xFF && bytes[start + 1] >= 0x80)
        {
            start += 1
        }
        self.bytes = bytes.isEmpty ? [0] : start == 0 ? bytes : Array(bytes[start...])
    }

    package init(_ value: Int64) {
        self.init(bytes: (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) })
    }

    /// The same as a number of the machine; nil where it does not fit.
    package var int64: Int64? {
        guard self.bytes.count <= 8 else { return nil }
        let start: Int64 = self.isNegative ? -1 : 0
        return self.bytes.reduce(start) { $0 << 8 | Int64($1) }
    }

    package var isNegative: Bool { self.bytes[0] >= 0x80 }

    /// In decimal digits.
    package var description: String {
        // Digits of base 10^9, the least significant first.
        var digits: [UInt64] = [0]
        var carry = self.isNegative ? 1 : 0
        var magnitude = self.bytes
        if self.isNegative {
            for index in magnitude.indices.reversed() {
                let sum = Int(~magnitude[index]) + carry
                magnitude[index] = UInt8(truncatingIfNeeded: sum)
                carry = sum >> 8
            }
        }
        for byte in magnitude {
            var rest = UInt64(byte)
            for index in digits.indices {
                let value = digits[index] << 8 + rest
                digits[index] = value % 1_000_000_000
                rest = value / 1_000_000_000
            }
            if rest > 0 { digits.append(rest) }
        }
        var text = self.isNegative ? "-" : ""
        text += String(digits[digits.count - 1])
        for digit in digits.dropLast().reversed() {
            let part = String(digit)
            text += String(repeating: "0", count: 9 - part.utf8.count) + part
        }
        return text
    }
}

/// A decimal number: `unscaled` times ten to the power of minus `scale`.
///
/// A value. Equal numbers of different scales are different values, as for the server.
package struct CQLDecimal: Hashable, Sendable {
    package let unscaled: CQLVarint
    package let scale: Int32

    package init(unscaled: CQLVarint, scale: Int32) {
        self.unscaled = unscaled
        self.scale = scale
    }
}
