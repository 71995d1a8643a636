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
        #expect(accepted.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
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
        let fields = WebSocketHandshake.responseFields(accepted, subprotocol: "chat")
        #expect(fields["Sec-WebSocket-Accept"] == accepted.acceptKey)
        #expect(fields["Sec-WebSocket-Protocol"] == "chat")
        #expect(fields["Sec-WebSocket-Extensions"] == nil)
        let other = WebSocketHandshake.responseFields(accepted, subprotocol: "else")
        #expect(other["Sec-WebSocket-Protocol"] == nil)
    }
}
