import Testing

@testable import TimingleNet

struct WebSocketDigestTests {
    private static func hex(_ text: String, by digest: WebSocketDigest) -> String {
        var sum = [UInt8](repeating: 0, count: WebSocketDigest.byteCount)
        let input = Array(text.utf8)
        sum.withUnsafeMutableBufferPointer { sum in input.withUnsafeBytes { digest.write($0, to: sum) } }
        return sum.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The examples of FIPS 180 and of NIST's collection; one context for all, in any order.
    @Test func aContextIsGoodForOneDigestAfterTheOther() {
        let digest = WebSocketDigest()
        let examples = [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ]
        for (text, sum) in examples + examples.reversed() {
            #expect(Self.hex(text, by: digest) == sum)
        }
    }
}
