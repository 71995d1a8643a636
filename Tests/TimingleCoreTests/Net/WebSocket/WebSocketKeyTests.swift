import Testing
import TimingleTestSupport

@testable import TimingleNet

struct WebSocketKeyTests {
    private static func key(_ text: String) -> WebSocketKey? { Self.key(Array(text.utf8)) }

    private static func key(_ text: [UInt8]) -> WebSocketKey? { WebSocketKey(text.span) }

    private static func accept(_ key: WebSocketKey, by digest: WebSocketDigest = WebSocketDigest()) -> String {
        var bytes = [UInt8](repeating: 0, count: WebSocketKey.acceptBytes)
        bytes.withUnsafeMutableBufferPointer { key.writeAccept(to: $0, by: digest) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Of RFC 6455 section 1.3, and of an independent implementation (hashlib of Python).
    @Test(arguments: [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ])
    func theProofIsThatOfTheRFC(key: String, accept: String) throws {
        #expect(Self.accept(try #require(Self.key(key))) == accept)
    }

    @Test func onlyBase64IsAKey() {
        let good = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for place in good.indices {
            for byte in 0...255 as ClosedRange<UInt8> {
                var text = good
                text[place] = byte
                let isKey = place < 22 ? letters.contains(byte) : byte == UInt8(ascii: "=")
                #expect((Self.key(text) != nil) == isKey, "\(byte) at \(place)")
            }
        }
        for count in 0..<24 { #expect(Self.key(Array(good.prefix(count))) == nil) }
        #expect(Self.key(good + good) == nil && Self.key(good + [0x3d]) == nil)
    }

    @Test func theTextIsReadWithinItsBounds() {
        let read = GuardedBytes.with(Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)) { raw in
            WebSocketKey(UnsafeBufferPointer(raw.bindMemory(to: UInt8.self)).span)
        }
        #expect(read == Self.key("dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(Self.key("dGhlIHNhbXBsZSBub25jZQ==") != Self.key("AAAAAAAAAAAAAAAAAAAAAA=="))
    }

    @Test func manyThreadsMayProveAtOnce() async throws {
        let key = try #require(Self.key("dGhlIHNhbXBsZSBub25jZQ=="))
        await withTaskGroup(of: Bool.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    let digest = WebSocketDigest()
                    return (0..<200).allSatisfy { _ in Self.accept(key, by: digest) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" }
                }
            }
            for await isRight in tasks { #expect(isRight) }
        }
    }
}
