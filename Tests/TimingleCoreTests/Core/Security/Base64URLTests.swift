import Testing

@testable import TimingleCore

struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func rfc4648VectorsWithoutPadding(plain: String, encoded: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == encoded)
        #expect(Base64URL.decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test func theURLSafeAlphabetIsUsed() {
        #expect(Base64URL.encode([0xfb, 0xff, 0xfe]) == "-__-")
    }

    @Test(arguments: ["Zg==", "Zg=", "Z", "Zm9vY", "+/+/", "Zm 9", "Zm9v\n", "Zh", "Zm9", "\u{00e9}aaa"])
    func whatIsNotCanonicalIsRefused(text: String) {
        #expect(Base64URL.decode(Array(text.utf8)) == nil)
    }

    @Test func everyLengthComesBack() {
        for count in 0..<70 {
            let bytes = SecureRandom.bytes(count: count)
            #expect(Base64URL.decode(Array(Base64URL.encode(bytes).utf8)) == bytes)
        }
    }
}
