import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPRequestParserTests {
    private var limits: HTTPLimits { HTTPLimits() }

    /// What a head was read as.
    private struct Reading {
        var request: HTTPRequest
        var head: HTTPRequestHead
    }

    /// A parser and the request that it reads into.
    private struct Reader {
        var parser = HTTPRequestParser()
        var request = HTTPRequest()

        mutating func parse(_ bytes: Span<UInt8>, _ limits: HTTPLimits) throws(HTTPParseError) -> (Reading, Int)? {
            switch try self.parser.parse(bytes, into: &self.request, limits: HTTPHeadLimits(limits)) {
            case .needMoreBytes: return nil
            case .head(let head, let count):
                #expect(count <= bytes.count)
                let reading = Reading(request: self.request, head: head)
                self.request = HTTPRequest()
                return (reading, count)
            }
        }
    }

    private static func parse(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> Result<Reading?, HTTPParseError> {
        var reader = Reader()
        return Self.feed(&reader, Array(text.utf8), limits)
    }

    private static func feed(
        _ reader: inout Reader,
        _ bytes: [UInt8],
        _ limits: HTTPLimits
    ) -> Result<Reading?, HTTPParseError> {
        do throws(HTTPParseError) {
            return .success(try reader.parse(bytes.span, limits)?.0)
        } catch {
            return .failure(error)
        }
    }

    private static func error(_ text: String, _ limits: HTTPLimits = HTTPLimits()) -> HTTPParseError? {
        switch Self.parse(text, limits) {
        case .success: nil
        case .failure(let error): error
        }
    }

    private static func read(_ text: String) throws -> Reading {
        try #require(try Self.parse(text).get())
    }

    /// RFC 9112 section 2.1 and 3, RFC 6455 section 1.3, and what clients send.
    private static let good: [String] = [
        "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, mi\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n",
        "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
        "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "\r\nPOST /x?a=b%20c HTTP/1.1\r\nHost:[::1]:8080\r\nContent-Length:  5 \t\r\nX-Empty:\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ]

    @Test func theExampleOfTheRFCIsRead() throws {
        let reading = try Self.read(Self.good[0])
        let (request, head) = (reading.request, reading.head)
        #expect(request.method == .get && head.kind == .get)
        #expect(request.target == "/hello.txt")
        #expect(head.minorVersion == 1)
        #expect(head.keepAlive)
        #expect(head.framing == .none)
        let fields = request.fields
        #expect(fields["user-agent"] == "curl/7.64.1")
        #expect(fields["ACCEPT-LANGUAGE"] == "en, mi")
        #expect(fields.members("Accept-Language") == ["en", "mi"])
        #expect(fields["nothing"] == nil)
    }

    @Test(arguments: good)
    func everySplitGivesTheSameHead(text: String) throws {
        let bytes = Array(text.utf8)
        let whole = try Self.read(text)
        for cut in 0..<bytes.count {
            var reader = Reader()
            let before = try Self.feed(&reader, Array(bytes[..<cut]), self.limits).get()
            #expect(before == nil, "cut at \(cut) gave a head too early")
            let after = try #require(try Self.feed(&reader, bytes, self.limits).get())
            #expect(after.request.target == whole.request.target && after.request.method == whole.request.method)
            #expect(after.request.block.lines == whole.request.block.lines && after.head == whole.head)
        }
    }

    @Test(arguments: good)
    func byteByByteGivesTheSameHead(text: String) throws {
        let bytes = Array(text.utf8)
        var reader = Reader()
        for count in 0..<bytes.count {
            #expect(try Self.feed(&reader, Array(bytes[..<count]), self.limits).get() == nil)
        }
        let reading = try #require(try Self.feed(&reader, bytes, self.limits).get())
        #expect(reading.request.block.bytes == bytes)
    }

    @Test func bytesBehindTheHeadAreNotTaken() throws {
        var reader = Reader()
        let first = Array(Self.good[0].utf8)
        let both = first + Array(Self.good[1].utf8)
        let (reading, count) = try #require(try reader.parse(both.span, self.limits))
        #expect(count == first.count)
        #expect(reading.request.target == "/hello.txt")
        let (second, _) = try #require(try reader.parse(both.span.extracting(count..<both.count), self.limits))
        #expect(second.request.method == .options && second.request.target == "*")
    }

    @Test func aRequestThatWasClearedTakesTheNextHead() throws {
        var reader = Reader()
        let (first, _) = try #require(try reader.parse(Array(Self.good[5].utf8).span, self.limits))
        reader.request = first.request
        reader.request.clear(keepingAtMost: .max)
        #expect(reader.request.target == "" && reader.request.fields.count == 0)
        let bytes = Array(Self.good[0].utf8)
        let (second, _) = try #require(try reader.parse(bytes.span, self.limits))
        #expect(second.request.target == "/hello.txt" && second.request.block.bytes.starts(with: bytes))
        // Who kept the first one has it whole.
        #expect(first.request.target == "/x?a=b%20c" && first.request.fields["host"] == "[::1]:8080")
    }

    @Test(arguments: [
        ("GET http://a.example HTTP/1.1\r\nHost: b\r\n\r\n", "/"),
        ("GET HTTP://a.example:80/x?y HTTP/1.1\r\nHost: b\r\n\r\n", "/x?y"),
        ("GET https://a.example?y=1 HTTP/1.1\r\nHost: b\r\n\r\n", "/?y=1"),
    ])
    func absoluteFormBecomesOriginForm(text: String, target: String) throws {
        #expect(try Self.read(text).request.target == target)
    }

    /// What has let requests be smuggled, or must not be guessed at.
    private static let bad: [(String, HTTPParseError)] = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .conflictingLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", .conflictingLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .conflictingLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .conflictingLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808x\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +18446744073709551617\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", .badTransferEncoding),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .badTransferEncoding
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n", .forbiddenByte),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferCoding),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .badTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", .whitespaceBeforeColon),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer\u{0}-Encoding: chunked\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", .lineFolding),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .lineFolding),
        ("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", .lineFolding),
        ("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", .bareCarriageReturn),
        ("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", .forbiddenByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n", .forbiddenByte),
        ("GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", .whitespaceBeforeColon),
        ("GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX(: 1\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\u{e9}: 1\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", .badFieldName),
        ("GET / HTTP/1.1\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", .badHost),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / HTTP/1.\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .badVersion),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/0.9\r\n\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2Preface),
        ("GET /\r\n\r\n", .badRequestLine),
        ("GET\r\n\r\n", .bareCarriageReturn),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .badMethod),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET a.example/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", .badConnectionField),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", .badExpectation),
        ("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
    ]

    @Test(arguments: bad.indices)
    func whatIsBadIsRefusedForItsOwnReason(index: Int) {
        let (text, expected) = Self.bad[index]
        let found = Self.error(text)
        // A CR inside the method is seen as such, or as no token; both refuse.
        #expect(
            found == expected || (expected == .bareCarriageReturn && found == .badRequestLine),
            "\(text.debugDescription)"
        )
    }

    @Test(arguments: bad.indices)
    func whatIsBadIsRefusedHoweverItIsCut(index: Int) {
        let (text, _) = Self.bad[index]
        let bytes = Array(text.utf8)
        let whole = Self.error(text)
        for cut in 0..<bytes.count {
            var reader = Reader()
            if case .failure(let error) = Self.feed(&reader, Array(bytes[..<cut]), self.limits) {
                #expect(error == whole)
                continue
            }
            guard case .failure(let error) = Self.feed(&reader, bytes, self.limits) else {
                Issue.record("accepted \(text.debugDescription) when cut at \(cut)")
                continue
            }
            #expect(error == whole)
        }
    }

    @Test(arguments: ["9223372036854775807", "9223372036854775808", "18446744073709551621", "99999999999999999999999"])
    func aLengthThatNoIntegerHoldsIsTheLargest(length: String) throws {
        let reading = try Self.read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
        #expect(reading.head.framing == .length(.max))
    }

    @Test(arguments: [
        ("", false), ("\r", false), ("\r\n", false), ("\r\n\r", false), ("\r\n\r\n", false), ("\r\n\r\n\r", false),
        ("G", true), ("\rG", true), ("\r\nG", true), ("\r\n\r\nG", true), ("\r\nGET / HTTP/1.1\r", true),
        ("GET / HTTP/1.1\r\n", true), ("\r\nGET / HTTP/1.1\r\nHost", true),
    ])
    func emptyLinesBeginNoRequest(text: String, expected: Bool) throws {
        let bytes = Array(text.utf8)
        var whole = Reader()
        #expect(try Self.feed(&whole, bytes, self.limits).get() == nil)
        #expect(whole.parser.hasBegun == expected && whole.parser.scanned == bytes.count)
        var slow = Reader()
        for count in 0...bytes.count { #expect(try Self.feed(&slow, Array(bytes[..<count]), self.limits).get() == nil) }
        #expect(slow.parser.hasBegun == expected)
    }

    @Test(arguments: [
        ("HEAD", false), ("HEAD ", true), ("\r\nHEAD /a", true), ("HEAD\t/", false), ("HEADS /", false),
        ("head /", false),
        ("GET /HEAD ", false), ("HEAD / HTTP/1.1\n", true), ("HEAD / HTTP/9.9\r\n", true), ("GET / HTTP/1.1\n", false),
        ("HEAD / HTTP/1.1\r\nHost", true), ("HEAD /\(String(repeating: "a", count: 9_000))", true),
        ("HEADS /\(String(repeating: "a", count: 9_000))", false),
    ])
    func aLineThatBeginsWithHEADIsKnownAsSuch(text: String, expected: Bool) {
        var reader = Reader()
        _ = Self.feed(&reader, Array(text.utf8), self.limits)
        #expect(reader.parser.isHead == expected)
    }

    @Test func theVersionIsInTheRequest() throws {
        #expect(try Self.read("GET / HTTP/1.0\r\n\r\n").request.isHTTP10)
        #expect(try !Self.read("GET / HTTP/1.1\r\nHost: a\r\n\r\n").request.isHTTP10)
        #expect(try !Self.read("GET / HTTP/1.2\r\nHost: a\r\n\r\n").request.isHTTP10)
    }

    @Test func theRequestLineLimitIsExact() {
        var limits = HTTPLimits()
        limits.requestLineBytes = 40
        let room = 40 - "GET / HTTP/1.1".utf8.count
        let fits = "GET /\(String(repeating: "a", count: room)) HTTP/1.1\r\nHost: a\r\n\r\n"
        let tooLong = "GET /\(String(repeating: "a", count: room + 1)) HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(Self.error(fits, limits) == nil)
        #expect(Self.error(tooLong, limits) == .requestLineTooLong)
        // Also without any line end.
        #expect(Self.error(String(repeating: "a", count: 41), limits) == nil)
        #expect(Self.error(String(repeating: "a", count: 42), limits) == .methodTooLong)
        #expect(Self.error("a " + String(repeating: "a", count: 40), limits) == .requestLineTooLong)
    }

    @Test func theFieldSectionLimitIsExact() {
        var limits = HTTPLimits()
        limits.fieldSectionBytes = 64
        let start = "GET / HTTP/1.1\r\n"
        func section(_ bytes: Int) -> String {
            let rest = bytes - "Host: a\r\nX: \r\n".utf8.count
            return "Host: a\r\nX: \(String(repeating: "v", count: rest))\r\n"
        }
        #expect(Self.error(start + section(64) + "\r\n", limits) == nil)
        #expect(Self.error(start + section(65) + "\r\n", limits) == .fieldSectionTooLarge)
        #expect(Self.error(start + String(repeating: "v", count: 66), limits) == .fieldSectionTooLarge)
        #expect(Self.error(start + String(repeating: "v", count: 65), limits) == nil)
    }

    @Test func theFieldCountLimitIsExact() {
        var limits = HTTPLimits()
        limits.fieldCount = 5
        func request(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + (1..<count).map { "X\($0): 1\r\n" }.joined() + "\r\n"
        }
        #expect(Self.error(request(5), limits) == nil)
        #expect(Self.error(request(6), limits) == .tooManyFields)
    }

    @Test func theHostOfATargetIsAFieldLikeOthers() {
        var limits = HTTPLimits()
        limits.fieldCount = 5
        func request(_ fields: String, _ count: Int) -> String {
            "GET http://a/ HTTP/1.0\r\n" + fields + (0..<count).map { "X\($0): 1\r\n" }.joined() + "\r\n"
        }
        #expect(Self.error(request("", 4), limits) == nil)
        #expect(Self.error(request("", 5), limits) == .tooManyFields)
        // It takes the place of one that was sent.
        #expect(Self.error(request("Host: b\r\n", 4), limits) == nil)
    }

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: Keep-Alive\r\n", true),
        ("1.1", "Connection: upgrade, CLOSE\r\n", false), ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true), ("1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func persistenceFollowsVersionAndField(version: String, field: String, expected: Bool) throws {
        let reading = try Self.read("GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n")
        #expect(reading.head.keepAlive == expected)
    }

    @Test func mutatedHeadsNeverTrap() {
        let seed: UInt64 = 0x7411
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<3_000 {
            var bytes = Array(Self.good[Int.random(in: 0..<Self.good.count, using: &generator)].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            var reader = Reader()
            _ = Self.feed(&reader, bytes, self.limits)
        }
    }
}
