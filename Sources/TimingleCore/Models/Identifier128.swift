/// 128 bits in the textual form of RFC 9562 (a UUID).
///
/// Immutable.
package struct Identifier128: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses 8-4-4-4-12 hexadecimal digits, upper or lower case; nil for anything else.
    package init?(_ text: some StringProtocol) {
        self.init(utf8: text.utf8)
    }

    package init?(utf8: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var position = 0
        for byte in utf8 {
            guard position < 36 else { return nil }
            switch position {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return nil }
            default:
                guard let digit = Self.hexadecimalValue(byte) else { return nil }
                if position < 18 { high = high << 4 | digit } else { low = low << 4 | digit }
            }
            position += 1
        }
        guard position == 36 else { return nil }
        self.init(high: high, low: low)
    }

    /// The 36 bytes of the lower-case text, without a String in between.
    package func withText<Result>(_ body: (InlineArray<36, UInt8>) -> Result) -> Result {
        var text = InlineArray<36, UInt8>(repeating: UInt8(ascii: "-"))
        var position = 0
        for index in 0..<32 {
            if position == 8 || position == 13 || position == 18 || position == 23 { position += 1 }
            let word = index < 16 ? self.high : self.low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 0x0f
            text[position] = digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a")
            position += 1
        }
        return body(text)
    }

    package var description: String {
        self.withText { text in
            String(unsafeUninitializedCapacity: 36) { buffer in
                for index in 0..<36 { buffer[index] = text[index] }
                return 36
            }
        }
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

extension Identifier128 {
    /// Lays out a version 7 UUID (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 bits of `random`.
    package static func version7(milliseconds: Int64, random: (UInt64, UInt64)) -> Identifier128 {
        let time = UInt64(truncatingIfNeeded: milliseconds) & 0xffff_ffff_ffff
        return Identifier128(
            high: time << 16 | 0x7000 | random.0 & 0x0fff,
            low: random.1 & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        )
    }
}
