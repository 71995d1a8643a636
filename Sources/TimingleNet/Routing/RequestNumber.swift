/// Numbers the requests of one loop; its text is sixteen hexadecimal digits, unlike any other of this process.
///
/// A value; not a secret.
struct RequestNumber: Sendable {
    private var value = UInt64.random(in: .min ... .max)

    mutating func advance() { self.value &+= 0x9e37_79b9_7f4a_7c15 }

    var text: String {
        // The finaliser of SplitMix64: a bijection, so that a counter never repeats.
        var mixed = self.value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: mixed >> UInt64(60 - 4 * index)) & 0xf
                buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return 16
        }
    }
}
