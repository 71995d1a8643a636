/// Checks UTF-8 that arrives in pieces and fails at the first byte that cannot be right (RFC 3629).
///
/// A value.
struct UTF8Validator: Equatable {
    /// Continuation bytes that the current character still needs.
    private var needed: UInt8 = 0
    /// What the next continuation byte may be; narrower than 80...BF only right after some lead bytes.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    /// True between characters: the text may end here.
    var isComplete: Bool { self.needed == 0 }

    /// Takes the next piece; false as soon as no continuation could make it valid.
    mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        let count = bytes.count
        var (needed, low, high) = (self.needed, self.low, self.high)
        var offset = 0
        while offset < count {
            if needed == 0 {
                // Four words at once: the compiler makes vector instructions of it.
                // SAFETY: 32, or eight, bytes from `offset` are inside the buffer; the loads need no alignment.
                while offset &+ 32 <= count {
                    let place = base + offset
                    let (first, second) = (
                        place.loadUnaligned(as: UInt64.self), (place + 8).loadUnaligned(as: UInt64.self)
                    )
                    let (third, fourth) = (
                        (place + 16).loadUnaligned(as: UInt64.self), (place + 24).loadUnaligned(as: UInt64.self)
                    )
                    guard (first | second | third | fourth) & 0x8080_8080_8080_8080 == 0 else { break }
                    offset &+= 32
                }
                while offset &+ 8 <= count,
                    base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    offset &+= 8
                }
                guard offset < count else { break }
                // SAFETY: four bytes from `offset` are inside the buffer; the load needs no alignment.
                while offset &+ 4 <= count {
                    let word = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                    let length = Self.length(word)
                    guard length > 0 else { break }
                    offset &+= length
                }
                guard offset < count else { break }
            }
            let byte = base.load(fromByteOffset: offset, as: UInt8.self)
            offset &+= 1
            if needed > 0 {
                guard byte >= low, byte <= high else { return false }
                (needed, low, high) = (needed &- 1, 0x80, 0xBF)
                continue
            }
            switch byte {
            case 0x00...0x7F: break
            case 0xC2...0xDF: needed = 1
            case 0xE0: (needed, low) = (2, 0xA0)
            case 0xE1...0xEC, 0xEE...0xEF: needed = 2
            case 0xED: (needed, high) = (2, 0x9F)
            case 0xF0: (needed, low) = (3, 0x90)
            case 0xF1...0xF3: needed = 3
            case 0xF4: (needed, high) = (3, 0x8F)
            default: return false
            }
        }
        (self.needed, self.low, self.high) = (needed, low, high)
        return true
    }

    /// Bytes of the whole character that `word` begins with, its first byte lowest.
    ///
    /// 0 where it begins with none, and where all four are ASCII.
    @inline(__always)
    private static func length(_ word: UInt32) -> Int {
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
            // Four bits of the first byte and one of the second: 0 is too long a form, D with 1 a surrogate.
            let bits = word & 0x200F
            return bits != 0 && bits != 0x200D ? 3 : 0
        }
        if word & 0x80 == 0 { return word & 0x8080_8080 == 0 ? 0 : 1 }
        if word & 0xC0E0 == 0x80C0 { return word & 0x1E != 0 ? 2 : 0 }
        if word & 0xC0C0_C0F8 == 0x8080_80F0 {
            // The first five bits of the code point: 0 is too long a form, from 17 on it is beyond U+10FFFF.
            let bits = (word & 0x7) &<< 2 | (word &>> 12) & 0x3
            return bits &- 1 < 16 ? 4 : 0
        }
        return 0
    }

    /// True when `bytes` alone are a whole valid text.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var validator = UTF8Validator()
        return validator.validate(bytes) && validator.isComplete
    }
}
