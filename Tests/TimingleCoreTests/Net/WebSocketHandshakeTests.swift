import Testing

@testable import TimingleNet

struct WebSocketHandshakeTests {
    private static let fields: HTTPFields = [
        "Host": "example.org",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "timingle.v1, chat",
    ]

    private static func request(
        _ method: HTTPMethod = .get,
        body: [UInt8] = [],
        _ change: (inout HTTPFields) -> Void = { _ in }
    ) -> HTTPRequest {
        var fields = Self.fields
        change(&fields)
        return HTTPRequest(method: method, target: "/api/v1/ws", fields: fields, body: body)
    }

    private static func error(_ request: HTTPRequest) -> WebSocketHandshakeError? {
        do throws(WebSocketHandshakeError) {
            _ = try WebSocketHandshake.validate(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func theAcceptKeyOfTheRFCIsMade() throws {
        let accepted = try WebSocketHandshake.validate(Self.request())
        #expect(Self.answer(accepted, nil).contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(accepted.offeredSubprotocols == ["timingle.v1", "chat"])
    }

    @Test func tokensAreComparedWithoutCase() {
        let request = Self.request {
            $0["Upgrade"] = "WebSocket"
            $0["Connection"] = "UPGRADE"
        }
        #expect(Self.error(request) == nil)
    }

    @Test func onlyGETWithoutABodyBecomesAWebSocket() {
        #expect(Self.error(Self.request(.post)) == .methodNotGet)
        #expect(Self.error(Self.request(.head)) == .methodNotGet)
        #expect(Self.error(Self.request(body: [1])) == .bodyPresent)
        #expect(Self.error(Self.request { $0["Content-Length"] = "5" }) == .bodyPresent)
        #expect(Self.error(Self.request { $0["Transfer-Encoding"] = "chunked" }) == .bodyPresent)
        #expect(Self.error(Self.request { $0["Content-Length"] = "0" }) == nil)
    }

    /// RFC 6455 section 4.1.
    @Test func theHTTPVersionIsAtLeast11() {
        var request = Self.request()
        request.isHTTP10 = true
        #expect(Self.error(request) == .httpVersionTooLow)
        #expect(WebSocketHandshakeError.httpVersionTooLow.status == .badRequest)
    }

    @Test func bothTokensMustBeThere() {
        #expect(Self.error(Self.request { $0["Upgrade"] = nil }) == .notAnUpgrade)
        #expect(Self.error(Self.request { $0["Upgrade"] = "h2c" }) == .notAnUpgrade)
        #expect(Self.error(Self.request { $0["Connection"] = "keep-alive" }) == .notAnUpgrade)
    }

    @Test(arguments: ["12", "8", "", "13, 12"])
    func anotherVersionIsToldOurs(version: String) {
        let error = Self.error(Self.request { $0["Sec-WebSocket-Version"] = version })
        #expect(error == .unsupportedVersion)
        #expect(error?.status == .upgradeRequired)
        #expect(error?.fields["Sec-WebSocket-Version"] == "13")
    }

    @Test(arguments: [
        "", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZQ== ",
        "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQAA",
    ])
    func aKeyIsSixteenBytesInBase64(key: String) {
        #expect(Self.error(Self.request { $0["Sec-WebSocket-Key"] = key }) == .keyInvalid)
    }

    @Test func twoKeysAreOneTooMany() {
        let request = Self.request { $0.append("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }
        #expect(Self.error(request) == .keyInvalid)
        #expect(Self.error(Self.request { $0["Sec-WebSocket-Key"] = nil }) == .keyInvalid)
    }

    @Test func theAnswerNamesOnlyASubprotocolThatWasOffered() throws {
        let accepted = try WebSocketHandshake.validate(Self.request())
        let start =
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        #expect(Self.answer(accepted, "chat") == start + "Sec-WebSocket-Protocol: chat\r\n")
        #expect(Self.answer(accepted, "else") == start)
        #expect(
            Self.answer(accepted, "chat", "permessage-deflate")
                == start + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        )
    }

    private static func answer(
        _ accepted: WebSocketHandshake.Accepted,
        _ subprotocol: String?,
        _ extensions: String? = nil
    ) -> String {
        let answer = WebSocketHandshake.Answer(accepted, subprotocol: subprotocol, extensions: extensions)
        var out = HTTPOutputBuffer()
        out.write(atMost: answer.bytesMax) { answer.write(to: &$0, by: WebSocketDigest()) }
        return String(decoding: out.bytes, as: UTF8.self)
    }

    /// Each list may be on several lines, in any order, with whatever else is there.
    @Test func listsAreReadOverAllTheirLines() throws {
        let request = Self.request {
            $0["Upgrade"] = "h2c"
            $0.append("upgrade", " , \tWebSocket\t,")
            $0["Connection"] = ",, close"
            $0.append("CONNECTION", "upgrade")
            $0.append("Sec-WebSocket-Protocol", "third")
        }
        let accepted = try WebSocketHandshake.validate(request)
        #expect(accepted.offeredSubprotocols == ["timingle.v1", "chat", "third"])
    }

    @Test(arguments: ["websockets", "web socket", "websocket/13", "xwebsocket", ",", "websocket;q=1"])
    func whatOnlyLooksLikeTheTokenIsNone(value: String) {
        #expect(Self.error(Self.request { $0["Upgrade"] = value }) == .notAnUpgrade)
    }

    @Test func twoVersionsAreOneTooMany() {
        #expect(Self.error(Self.request { $0.append("Sec-WebSocket-Version", "13") }) == .unsupportedVersion)
        #expect(Self.error(Self.request { $0["Sec-WebSocket-Version"] = nil }) == .unsupportedVersion)
        #expect(Self.error(Self.request { $0.append("Content-Length", "00") }) == .bodyPresent)
    }
}
