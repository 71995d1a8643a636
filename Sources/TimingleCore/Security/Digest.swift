internal import COpenSSL

/// SHA-256 and HMAC-SHA-256 by OpenSSL; no primitive is written here.
package enum Digest {
    package static let sha256Length = 32

    package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: self.sha256Length) { output, count in
            var length: UInt32 = 0
            // SAFETY: `bytes` and `output` (32 bytes, what SHA-256 writes) live during the call.
            let result = bytes.withUnsafeBytes { input in
                EVP_Digest(input.baseAddress, input.count, output.baseAddress, &length, EVP_sha256(), nil)
            }
            precondition(result == 1 && length == 32, "OpenSSL cannot compute SHA-256")
            count = self.sha256Length
        }
    }

    package static func sha256(_ text: String) -> [UInt8] { self.sha256(Array(text.utf8)) }

    package static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        // OpenSSL reads a null key as "the one of the last call", so an empty key needs an address all the same.
        let storedKey = key.isEmpty ? [0] : key
        return [UInt8](unsafeUninitializedCapacity: self.sha256Length) { output, count in
            var length: UInt32 = 0
            // SAFETY: all three buffers live during the call; `output` has the 32 bytes that HMAC-SHA-256 writes.
            let result = storedKey.withUnsafeBytes { keyBytes in
                bytes.withUnsafeBufferPointer { input in
                    HMAC(
                        EVP_sha256(),
                        keyBytes.baseAddress,
                        CInt(clamping: key.count),
                        input.baseAddress,
                        input.count,
                        output.baseAddress,
                        &length
                    )
                }
            }
            precondition(result != nil && length == 32, "OpenSSL cannot compute HMAC-SHA-256")
            count = self.sha256Length
        }
    }

    /// Lower-case hexadecimal digits of `bytes`.
    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0x0f)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Digest {
    /// Only for names that others have fixed (Redis names its scripts so); never for security.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 20) { output, count in
            var length: UInt32 = 0
            // SAFETY: `bytes` and `output` (20 bytes, what SHA-1 writes) live during the call.
            let result = bytes.withUnsafeBytes { input in
                EVP_Digest(input.baseAddress, input.count, output.baseAddress, &length, EVP_sha1(), nil)
            }
            precondition(result == 1 && length == 20, "OpenSSL cannot compute SHA-1")
            count = 20
        }
    }
}
