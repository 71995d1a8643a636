internal import COpenSSL

/// Comparison whose duration says nothing about where two secrets differ.
package enum ConstantTime {
    /// Lengths are not secret here.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        // SAFETY: both buffers live during the call and have `left.count` bytes.
        return left.withUnsafeBytes { first in
            right.withUnsafeBytes { second in
                CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0
            }
        }
    }
}
