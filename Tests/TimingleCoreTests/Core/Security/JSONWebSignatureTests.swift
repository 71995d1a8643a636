import Testing

@testable import TimingleCore

struct JSONWebSignatureTests {
    /// RFC 7515 appendix A.1.
    private let secret =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    private let input =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    private let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    @Test func theHS256ExampleOfRFC7515Verifies() throws {
        let secret = try #require(Base64URL.decode(Array(self.secret.utf8)))
        let key = try JSONWebKey.hs256(secret: secret)
        let signature = try #require(Base64URL.decode(Array(self.signature.utf8)))
        #expect(key.signature(over: Array(self.input.utf8)) == signature)
        #expect(key.isValid(signature: signature, over: Array(self.input.utf8)))
        #expect(!key.isValid(signature: signature, over: Array(self.input.utf8.dropLast())))
        #expect(!key.isValid(signature: Array(signature.dropLast()), over: Array(self.input.utf8)))
    }

    @Test func everyChangedCharacterBreaksTheToken() throws {
        let key = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))
        let keys = JSONWebKeySet([key])
        let token = JSONWebSignature.sign(payload: Array(#"{"a":1}"#.utf8), type: "jwt", key: key)
        #expect(try JSONWebSignature.verify(token, type: "jwt", keys: keys) == ["a": .integer(1)])
        let bytes = Array(token.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            #expect(throws: JSONWebTokenError.self) { try JSONWebSignature.verify(text, type: "jwt", keys: keys) }
            let cut = String(decoding: bytes[..<index], as: UTF8.self)
            #expect(throws: JSONWebTokenError.self) { try JSONWebSignature.verify(cut, type: "jwt", keys: keys) }
        }
    }

    @Test func theTypeMayBeAMediaTypeInAnyCase() throws {
        let key = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))
        for type in ["AT+JWT", "application/at+jwt"] {
            let token = JSONWebSignature.sign(payload: Array("{}".utf8), type: type, key: key)
            #expect(try JSONWebSignature.verify(token, type: "at+jwt", keys: JSONWebKeySet([key])).isEmpty)
        }
    }
}
