import Testing

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
        #expect(Self.error("0\r\nX: 3456\r\n\r\n", limits) == .badTrailer)
        #expect(Self.error("0\r\nX: 345\r\n\r\n", limits) == nil)
    }
}
