/// Why a token is not accepted; for logs, never for the caller, who learns "expired" or "invalid" only.
package enum JSONWebTokenError: Error, Sendable, Equatable {
    /// Longer than `JSONWebSignature.tokenBytesMax`.
    case tooLong
    /// Not three base64url parts, or a part that is not the JSON object it must be.
    case malformed
    /// A header member that is missing, has another type, or may not be there.
    case header(String)
    /// The header names no key of ours.
    case unknownKey
    /// The header's algorithm is not the key's.
    case algorithmMismatch
    case signatureMismatch
    /// A claim that is missing, has another type, or another value than it must have.
    case claim(String)
    case notYetValid
    case expired
    /// Not the token's fault: a key that is too weak to be used.
    case weakKey(String)
}
