internal import COpenSSL

/// Random bytes that nobody can guess, from OpenSSL.
package enum SecureRandom {
    package static func bytes(count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= 1 << 20, "asked for an absurd amount of random bytes")
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            // SAFETY: `output` has room for `count` bytes. The process must not go on with predictable secrets.
            precondition(RAND_bytes(output.baseAddress, CInt(count)) == 1, "OpenSSL has no random bytes")
            initialized = count
        }
    }

    package static func word() -> UInt64 {
        self.bytes(count: 8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A number below `bound`, each equally likely.
    package static func number(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "no number is below zero")
        var generator = SecureGenerator()
        return UInt64.random(in: 0..<bound, using: &generator)
    }
}

/// Feeds the standard library's unbiased sampling with OpenSSL's bytes.
private struct SecureGenerator: RandomNumberGenerator {
    mutating func next() -> UInt64 { SecureRandom.word() }
}
