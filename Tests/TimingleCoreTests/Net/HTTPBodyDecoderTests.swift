import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPBodyDecoderTests {
    private static func decode(
        _ framing: HTTPRequestHead.Framing,
        _ parts: [[UInt8]],
        _ limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPParseError) -> (body: String, isDone: Bool, consumed: Int) {
        var decoder = try HTTPBodyDecoder(framing, limits: limits)
        var body: [UInt8] = []
        var consumed = 0
        for part in parts { consumed += try decoder.decode(part.span, into: &body, limits: limits) }
        return (String(decoding: body, as: UTF8.self), decoder.isDone, consumed)
    }

    private static func error(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> HTTPParseError? {
        do throws(HTTPParseError) {
            _ = try Self.decode(.chunked, [Array(text.utf8)], limits)
            return nil
        } catch {
            return error
        }
    }

    private static let chunked =
        "4\r\nWiki\r\n5;name=\"v;x\"\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nX-T: v\r\nY:\r\n\r\n"

    @Test func chunksBecomeContent() throws {
        let result = try Self.decode(.chunked, [Array(Self.chunked.utf8)])
        #expect(result.body == "Wikipedia in\r\n\r\nchunks.")
        #expect(result.isDone)
    }

    @Test func everySplitGivesTheSameContent() throws {
        let bytes = Array(Self.chunked.utf8)
        for cut in 0...bytes.count {
            let result = try Self.decode(.chunked, [Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(result.body == "Wikipedia in\r\n\r\nchunks.")
            #expect(result.isDone && result.consumed == bytes.count)
            let prefix = try Self.decode(.chunked, [Array(bytes[..<cut])])
            #expect(prefix.isDone == (cut == bytes.count))
        }
    }

    @Test func bytesBehindTheBodyAreLeft() throws {
        let chunked = try Self.decode(.chunked, [Array((Self.chunked + "GET").utf8)])
        #expect(chunked.consumed == Self.chunked.utf8.count)
        let length = try Self.decode(.length(3), [Array("abcGET".utf8)])
        #expect(length.consumed == 3 && length.body == "abc" && length.isDone)
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\n", "1\r\r\n", "1\r\naX", "1\r\na\rX",
        "1\r\na\n", "1;a\nb\r\n", "1;\u{0}\r\n", "1\r\na\r\n\r\n", "00000000000000001\r\n", "1,\r\n",
    ])
    func badFramingIsRefused(text: String) {
        #expect(Self.error(text) == .badChunk, "\(text.debugDescription)")
    }

    @Test(arguments: [
        "0\r\n\n", "0\r\n folded: 1\r\n\r\n", "0\r\n: v\r\n\r\n", "0\r\nX v\r\n\r\n", "0\r\nX: a\nb\r\n\r\n",
        "0\r\nX: a\rb\r\n\r\n", "0\r\n\rX", "0\r\nX: \u{0}\r\n\r\n",
    ])
    func badTrailersAreRefused(text: String) {
        #expect(Self.error(text) == .badTrailer, "\(text.debugDescription)")
    }

    @Test(arguments: ["ffffffffffffffff\r\n", "7fffffffffffffff\r\n", "8000000000000000\r\n"])
    func hugeSizesAreRefusedBeforeTheirContent(text: String) {
        #expect(Self.error(text) == .bodyTooLarge)
    }

    @Test func theBodyLimitIsExact() throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 10
        #expect(throws: HTTPParseError.bodyTooLarge) { _ = try HTTPBodyDecoder(.length(11), limits: limits) }
        let fits = try Self.decode(.length(10), [Array("0123456789".utf8)], limits)
        #expect(fits.isDone)
        #expect(Self.error("6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n", limits) == nil)
        #expect(Self.error("6\r\n012345\r\n5\r\n", limits) == .bodyTooLarge)
        #expect(Self.error("b\r\n", limits) == .bodyTooLarge)
    }

    @Test func framingIsLimitedToo() {
        var limits = HTTPLimits()
        limits.chunkExtensionBytes = 8
        #expect(Self.error("1;2345678\r\na\r\n0\r\n\r\n", limits) == nil)
        #expect(Self.error("1;23456789\r\na\r\n0\r\n\r\n", limits) == .badChunk)
        limits.chunkFramingBytes = 40
        #expect(Self.error(String(repeating: "1\r\na\r\n", count: 8), limits) == nil)
        #expect(Self.error(String(repeating: "1\r\na\r\n", count: 9), limits) == .bodyTooLarge)
        limits = HTTPLimits()
        limits.trailerBytes = 8
        #expect(Self.error("0\r\nX: 3456\r\n\r\n", limits) == .trailerTooLarge)
        #expect(Self.error("0\r\nX: 345\r\n\r\n", limits) == nil)
    }

    /// What RFC 9112, section 7.1 says, in the plainest way: the whole input at once, no state; nil for what is refused.
    private static func plainDecode(_ bytes: [UInt8], _ limits: HTTPLimits) -> (body: [UInt8], consumed: Int)? {
        func line(_ start: Int) -> (text: [UInt8], next: Int)? {
            guard
                let end = bytes[start...].firstIndex(where: {
                    $0 == 13 || $0 == 10 || ($0 < 32 && $0 != 9) || $0 == 127
                }),
                bytes[end] == 13, end + 1 < bytes.count, bytes[end + 1] == 10
            else { return nil }
            return (Array(bytes[start..<end]), end + 2)
        }
        var body: [UInt8] = []
        var index = 0
        while let (head, next) = line(index) {
            var digits = head.prefix { $0 != UInt8(ascii: ";") }
            // Whitespace is "bad", but allowed, before an extension, and only there.
            while digits.count < head.count, digits.last == 32 || digits.last == 9 { digits.removeLast() }
            guard 1...8 ~= digits.count, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
                digits.allSatisfy({ hexDigitValue($0) != nil })
            else { return nil }
            index = next
            if size == 0 {
                while let (trailer, next) = line(index) {
                    index = next
                    if trailer.isEmpty { return (body, index) }
                }
                return nil
            }
            guard index + size + 2 <= bytes.count, bytes[index + size] == 13, bytes[index + size + 1] == 10 else {
                return nil
            }
            body += bytes[index..<(index + size)]
            index += size + 2
        }
        return nil
    }

    @Test func mutationsAreReadAlikeHoweverTheyAreCutAndNeverAsAnotherBody() throws {
        var generator = SeededGenerator(seed: 0x6368_756e_6b)
        let limits = HTTPLimits()
        let alphabet = Array("0123456789abcdefABCDEF;=\"\r\n \tXg:\0".utf8) + [0x7f, 0x80, 0xff]
        var whole = 0
        for _ in 0..<30_000 {
            var bytes = Array((Self.chunked + "GET / HTTP/1.1").utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                default: bytes.remove(at: index)
                }
            }
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let result = GuardedBytes.with(bytes) { guarded -> (body: [UInt8], consumed: Int, isDone: Bool)? in
                let span = UnsafeBufferPointer(guarded.bindMemory(to: UInt8.self)).span
                guard var decoder = try? HTTPBodyDecoder(.chunked, limits: limits) else { return nil }
                var body: [UInt8] = []
                guard let first = try? decoder.decode(span.extracting(0..<cut), into: &body, limits: limits) else {
                    return nil
                }
                // What the first part left is offered again, as the connection does.
                let rest = span.extracting(first..<bytes.count)
                guard let second = try? decoder.decode(rest, into: &body, limits: limits) else { return nil }
                return (body, first + second, decoder.isDone)
            }
            guard case let decoded?? = result, decoded.isDone else { continue }
            whole += 1
            let plain = try #require(
                Self.plainDecode(bytes, limits),
                "\(String(decoding: bytes, as: UTF8.self).debugDescription)"
            )
            #expect(decoded.body == plain.body && decoded.consumed == plain.consumed)
        }
        // Mutations inside extensions and trailers keep it whole.
        #expect(whole > 1_000)
    }
}
