/// Masking of RFC 6455 section 5.3, in place, a machine word at a time.
enum WebSocketMask {
    /// Applies `key` (its first byte lowest) to `bytes`, whose first byte is byte `phase` of the payload.
    static func apply(_ key: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) {
        let turned = Self.turned(key, by: phase)
        guard turned != 0, let base = bytes.baseAddress else { return }
        self.apply(turned, to: base, count: bytes.count)
    }

    /// Applies `key` from a payload's first byte on; returns what it made of all bytes, joined by OR to one word.
    ///
    /// So who reads text knows after one pass whether it is ASCII.
    @inline(__always)
    @discardableResult
    static func apply(_ key: UInt32, to base: UnsafeMutableRawPointer, count: Int) -> UInt64 {
        let wide = (UInt64(key) << 32 | UInt64(key)).littleEndian
        var all: UInt64 = 0
        var offset = 0
        // SAFETY: every access is at `offset` with `offset + width <= count`; unaligned access is asked for by name.
        if count >= 32 {
            let widest = SIMD4<UInt64>(repeating: wide)
            var allOfFour = SIMD4<UInt64>.zero
            while offset &+ 32 <= count {
                let words = base.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self) ^ widest
                allOfFour |= words
                base.storeBytes(of: words, toByteOffset: offset, as: SIMD4<UInt64>.self)
                offset &+= 32
            }
            all = allOfFour[0] | allOfFour[1] | allOfFour[2] | allOfFour[3]
        }
        while offset &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide
            all |= word
            base.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        var rest = key
        while offset < count {
            let byte = base.load(fromByteOffset: offset, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
            all |= UInt64(byte)
            base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            rest = rest >> 8 | rest << 24
            offset &+= 1
        }
        return all
    }

    private static func turned(_ key: UInt32, by phase: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: phase & 3) &* 8
        return bits == 0 ? key : key >> bits | key << (32 &- bits)
    }
}
