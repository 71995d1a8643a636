import Testing

@testable import TimingleCore

struct DigestTests {
    @Test(arguments: [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ])
    func sha256MatchesFIPS180(text: String, expected: String) {
        #expect(Digest.hexadecimal(Digest.sha256(text)) == expected)
    }

    @Test func sha1MatchesFIPS180() {
        #expect(Digest.hexadecimal(Digest.sha1(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    /// A case of RFC 4231, shown by its lengths.
    struct Sample: Sendable, CustomTestStringConvertible {
        let key: [UInt8]
        let data: [UInt8]
        let expected: String

        init(_ key: [UInt8], _ data: [UInt8], _ expected: String) {
            self.key = key
            self.data = data
            self.expected = expected
        }

        var testDescription: String { "a key of \(self.key.count) bytes, data of \(self.data.count)" }
    }

    @Test(arguments: [
        Sample(
            [UInt8](repeating: 0x0b, count: 20),
            Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Sample(
            Array("Jefe".utf8),
            Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Sample(
            [UInt8](repeating: 0xaa, count: 20),
            [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        Sample(
            Array(1...25),
            [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        Sample(
            [UInt8](repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func hmacMatchesRFC4231(sample: Sample) {
        #expect(Digest.hexadecimal(Digest.hmacSHA256(key: sample.key, sample.data)) == sample.expected)
    }

    @Test func anEmptyKeyIsAKeyOfItsOwn() {
        _ = Digest.hmacSHA256(key: [1, 2, 3], [4])
        #expect(
            Digest.hexadecimal(Digest.hmacSHA256(key: [], []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        )
    }

    @Test func comparisonLooksAtEveryByteAndTheLength() {
        #expect(ConstantTime.areEqual([], []))
        #expect(ConstantTime.areEqual([1, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2]))
    }

    @Test func randomBytesDifferAndHaveTheirLength() {
        #expect(SecureRandom.bytes(count: 0).isEmpty)
        #expect(SecureRandom.bytes(count: 32).count == 32)
        #expect(SecureRandom.bytes(count: 32) != SecureRandom.bytes(count: 32))
        #expect((0..<200).allSatisfy { _ in SecureRandom.number(below: 7) < 7 })
    }
}
