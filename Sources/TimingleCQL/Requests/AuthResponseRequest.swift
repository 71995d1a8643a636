internal import TimingleNet

/// AUTH_RESPONSE: answers AUTHENTICATE, and then each challenge (section 4.1.2).
package struct AuthResponseRequest: Sendable, CustomStringConvertible {
    package let token: [UInt8]?

    package init(token: [UInt8]?) { self.token = token }

    /// SASL PLAIN (RFC 4616), as PasswordAuthenticator wants it.
    package init(username: String, password: String) {
        self.token = [0] + Array(username.utf8) + [0] + Array(password.utf8)
    }

    /// Never the token: it may be a password.
    package var description: String { "AUTH_RESPONSE" }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) { try writer.writeCQLBytes(self.token) } catch { throw CQLCodingError(error) }
    }
}
