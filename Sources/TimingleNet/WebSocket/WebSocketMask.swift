/// Masking of RFC 6455 section 5.3, in place, a machine word at a time.
enum WebSocketMask {
    /// Applies `key` (its first byte lowest) to `bytes`, whose first byte is byte `phase` of the payload.
    static func apply(_ key: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) {
        let turned = Self.turned(key, by: phase)
        guard turned != 0, let base = bytes.baseAddress else { return }
        let wide = (UInt64(turned) << 32 | UInt64(turned)).littleEndian
        let count = bytes.count
        var offset = 0
        // SAFETY: every access is at `offset` with `offset + width <= count`; unaligned access is asked for by name.
        while offset &+ 32 <= count {
            // Four words at once: the compiler makes vector instructions of it.
            for lane in 0..<4 {
                let place = base + (offset &+ 8 &* lane)
                let word = place.loadUnaligned(as: UInt64.self) ^ wide
                place.storeBytes(of: word, as: UInt64.self)
            }
            offset &+= 32
        }
        while offset &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide
            base.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        var rest = turned
        while offset < count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: rest)
            rest = rest >> 8 | rest << 24
            offset &+= 1
        }
    }

    private static func turned(_ key: UInt32, by phase: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: phase & 3) &* 8
        return bits == 0 ? key : key >> bits | key << (32 &- bits)
    }
}
