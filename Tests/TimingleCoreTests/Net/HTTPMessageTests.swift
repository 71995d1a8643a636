import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPFieldsTests {
    @Test func namesAreComparedWithoutCaseAndRepeatsAreJoined() {
        var fields: HTTPFields = ["Content-Type": "text/plain", "X": "1"]
        fields.append("x", "2")
        #expect(fields["content-type"] == "text/plain")
        #expect(fields["X"] == "1, 2")
        #expect(fields.values("X") == ["1", "2"])
        fields["x"] = "3"
        #expect(fields.values("X") == ["3"])
        fields["X"] = nil
        #expect(!fields.contains("x"))
        #expect(fields.count == 1)
    }

    @Test func listMembersAreTrimmedAndEmptyOnesDropped() {
        let fields: HTTPFields = ["Connection": " Upgrade ,, keep-alive\t"]
        #expect(fields.members("connection") == ["Upgrade", "keep-alive"])
        #expect(fields.hasMember("Connection", "upgrade"))
        #expect(!fields.hasMember("Connection", "close"))
    }

    @Test func onlyASCIILettersAreFolded() {
        #expect(asciiEqualsIgnoringCase("AbZ".utf8, "aBz".utf8))
        #expect(!asciiEqualsIgnoringCase("@[".utf8, "`{".utf8))
        #expect(!asciiEqualsIgnoringCase("a".utf8, "ab".utf8))
    }
}

struct HTTPRequestTests {
    /// Reads a head as a connection does.
    private static func request(_ target: String) throws -> HTTPRequest {
        var request = HTTPRequest()
        var parser = HTTPRequestParser()
        let head = Array("GET \(target) HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n".utf8)
        guard case .head = try parser.parse(head.span, into: &request, limits: HTTPHeadLimits(HTTPLimits())) else {
            throw HTTPParseError.badRequestLine
        }
        return request
    }

    @Test func theTargetIsReadWhereItLies() throws {
        let target = "/long/enough/for/a/string/of/its/own?q=1&r=%20"
        let request = try Self.request(target)
        #expect(request.target == target && request.path == "/long/enough/for/a/string/of/its/own")
        #expect(request.query.first("q") == "1" && request.query.first("r") == " " && request.query.text == "q=1&r=%20")
        #expect(try Self.request("http://b/x?y").target == "/x?y")
        #expect(try Self.request("http://b/x?y").fields["Host"] == "b")
    }

    @Test func theTargetStaysWhereItsFieldsAreReplaced() throws {
        var request = try Self.request("/stays?a=b")
        let query = request.query
        request.fields = ["Other": "fields"]
        #expect(request.target == "/stays?a=b" && request.query.first("a") == "b" && query.first("a") == "b")
        request.target = "/goes"
        #expect(request.path == "/goes" && request.query.first("a") == nil)
        var changed = try Self.request("/stays")
        changed.fields["X-Y"] = nil
        changed.fields.append("Z", "1")
        #expect(changed.target == "/stays" && changed.fields["X-Y"] == nil && changed.fields["z"] == "1")
    }
}

struct HTTPQueryTests {
    @Test func pairsAreDecoded() {
        let request = HTTPRequest(method: .get, target: "/x?a=1&b=%C3%A9+y&c&a=2&=5&d=%zz&e=1=2")
        #expect(request.path == "/x")
        let query = request.query
        #expect(query.first("a") == "1")
        #expect(query.all("a") == ["1", "2"])
        #expect(query.first("b") == "é y")
        #expect(query.first("c") == "")
        #expect(query.first("d") == nil)
        #expect(query.first("e") == "1=2")
        #expect(query.first("f") == nil)
    }

    /// Read where it lies, and by taking it apart.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func aQueryIsReadAsBySplitting(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = ["&", "&", "=", "=", "a", "b", "%61", "%62", "+", "%20", "%", "%zz", "%00", "%FF", "/", "?", "é"]
        for _ in 0..<1_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            var pairs: [(name: String?, value: String?)] = []
            for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
                let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                let value = parts.count > 1 ? percentDecoded(parts[1], plusIsSpace: true) : ""
                pairs.append((percentDecoded(parts[0], plusIsSpace: true), value))
            }
            let queries = [HTTPQuery(text), HTTPRequest(method: .get, target: "/x?\(text)").query]
            for query in queries {
                #expect(query.text == text)
                for name in ["", "a", "b", "ab", " ", "é", "/"] {
                    let same = pairs.filter { $0.name == name }
                    #expect(query.first(name) == same.first.flatMap(\.value), "\(name) in \(text)")
                    #expect(query.all(name) == same.compactMap(\.value), "\(name) in \(text)")
                }
            }
        }
        #expect(HTTPRequest(method: .get, target: "/x").query.text == "")
        #expect(HTTPRequest(method: .get, target: "/x?").query.text == "")
        #expect(HTTPRequest(method: .get, target: "/x").query.first("") == nil)
    }

    @Test(arguments: ["%", "%4", "%g0", "%00", "%FF", "%C3"])
    func brokenEscapesAreNil(text: String) {
        #expect(percentDecoded(text.utf8, plusIsSpace: false) == nil)
    }
}

struct HTTPDateCacheTests {
    @Test(arguments: [
        (Int64(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func datesAreIMFFixdates(seconds: Int64, text: String) {
        #expect(HTTPDate.imfFixdate(seconds) == text)
        var cache = HTTPDateCache()
        cache.turn(unixSeconds: seconds)
        #expect(cache.line == Array("Date: \(text)\r\n".utf8))
        cache.turn(unixSeconds: seconds + 1)
        #expect(cache.line != Array("Date: \(text)\r\n".utf8))
    }
}

struct HTTPResponseEncoderTests {
    private static func text(_ response: HTTPResponse, _ framing: HTTPResponseEncoder.Framing = .init()) -> String {
        var head = HTTPOutputBuffer()
        let rest = HTTPResponseEncoder.encode(response, framing, date: Array("Date: D\r\n".utf8), to: &head)
        return String(decoding: head.bytes + (rest == .content ? response.body.memory : []), as: UTF8.self)
    }

    @Test func anAnswerHasDateAndLength() {
        let response = HTTPResponse(.ok, fields: ["Content-Type": "text/plain"], body: .bytes(Array("hey".utf8)))
        #expect(
            Self.text(response)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nhey"
        )
    }

    @Test func headStatesTheLengthAndLeavesTheContentOut() {
        let response = HTTPResponse(.ok, body: .bytes(Array("hey".utf8)))
        var framing = HTTPResponseEncoder.Framing()
        framing.isHead = true
        framing.close = true
        #expect(
            Self.text(response, framing)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        )
    }

    @Test func whoSendsUpgradeNamesItInConnection() {
        let response = HTTPResponse(.upgradeRequired, fields: ["upgrade": "websocket", "Connection": "nonsense"])
        func connection(close: Bool, sayKeepAlive: Bool) -> String? {
            let framing = HTTPResponseEncoder.Framing(isHead: false, close: close, sayKeepAlive: sayKeepAlive)
            let text = Self.text(response, framing)
            #expect(text.contains("\r\nupgrade: websocket\r\n"))
            #expect(text.split(separator: "Connection: ").count == 2)
            return text.firstMatch(of: /Connection: (.*)\r\n/).map { String($0.1) }
        }
        #expect(connection(close: false, sayKeepAlive: false) == "Upgrade")
        #expect(connection(close: true, sayKeepAlive: false) == "Upgrade, close")
        #expect(connection(close: false, sayKeepAlive: true) == "Upgrade, keep-alive")
        // Another name of that length is none.
        #expect(Self.text(HTTPResponse(.ok, fields: ["Warning": "199"])).contains("Connection") == false)
    }

    @Test func noContentHasNoLengthAndEmptyContentHasZero() {
        #expect(Self.text(HTTPResponse(.noContent)) == "HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n")
        #expect(Self.text(HTTPResponse(.ok)) == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\n\r\n")
        let wrong = HTTPResponse(.noContent, body: .bytes([1]))
        #expect(Self.text(wrong) == "HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n")
    }

    @Test func aHandlerCannotContradictTheFraming() {
        let response = HTTPResponse(
            .ok,
            fields: ["content-length": "99", "Transfer-Encoding": "chunked", "connection": "x", "DATE": "y"]
        )
        #expect(Self.text(response) == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func aValueCannotEndItsLine() {
        let response = HTTPResponse(.ok, fields: ["X": "a\r\nSet-Cookie: b\u{0}"])
        #expect(Self.text(response).contains("X: a  Set-Cookie: b \r\n"))
    }

    @Test func largeContentIsSharedNotCopied() {
        let content = [UInt8](repeating: 7, count: 100_000)
        var head = HTTPOutputBuffer()
        let response = HTTPResponse(.ok, body: .bytes(content))
        #expect(HTTPResponseEncoder.encode(response, .init(), date: [], to: &head) == .content)
        #expect(head.count < 200)
        let isShared = response.body.memory.withUnsafeBytes { memory in
            content.withUnsafeBytes { $0.baseAddress == memory.baseAddress }
        }
        #expect(isShared)
    }
}
