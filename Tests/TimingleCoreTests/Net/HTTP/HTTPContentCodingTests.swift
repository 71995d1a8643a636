import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPContentCodingTests {
    private static let text = Array(String(repeating: #"{"id":1,"text":"see you at three"},"#, count: 100).utf8)

    private static func encoded(
        _ response: HTTPResponse,
        accept: String? = "gzip",
        method: HTTPMethod = .get,
        by coder: HTTPContentCoder = HTTPContentCoder(HTTPContentCoding())
    ) -> HTTPResponse {
        var request = HTTPRequest(method: method, target: "/")
        request.fields["Accept-Encoding"] = accept
        var response = response
        coder.encode(&response, for: request)
        return response
    }

    private static func json(_ bytes: [UInt8] = text, _ fields: [(String, String)] = []) -> HTTPResponse {
        var response = HTTPResponse(.ok, fields: ["Content-Type": "application/json"], body: .bytes(bytes))
        for (name, value) in fields { response.fields[name] = value }
        return response
    }

    private static func content(_ response: HTTPResponse) -> [UInt8] {
        if case .bytes(let bytes) = response.body { bytes } else { [] }
    }

    /// Undoes gzip by the raw inflater: a fixed header of ten bytes, a trailer of eight.
    private static func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
        #expect(bytes.prefix(3) == [0x1f, 0x8b, 8])
        // No name, no time: the same content gives the same bytes at any time.
        #expect(bytes[3..<8].allSatisfy { $0 == 0 })
        return try #require(NaiveInflate.inflate(Array(bytes[10..<(bytes.count - 8)]))).bytes
    }

    @Test func jsonIsCompressedAndComesBackWhole() throws {
        let response = Self.encoded(Self.json())
        #expect(response.fields["Content-Encoding"] == "gzip" && response.fields["Vary"] == "Accept-Encoding")
        #expect(try Self.gunzip(Self.content(response)) == Self.text)
        #expect(Self.content(response).count * 5 < Self.text.count)
    }

    @Test func oneDeflaterServesManyAnswersAndForgetsBetweenThem() throws {
        let coder = HTTPContentCoder(HTTPContentCoding())
        let first = Self.content(Self.encoded(Self.json(), by: coder))
        for count in [1_024, 60_000, 2_000] {
            let bytes = Array(repeating: Self.text, count: 20).flatMap { $0 }.prefix(count)
            let response = Self.encoded(Self.json(Array(bytes)), by: coder)
            #expect(try Self.gunzip(Self.content(response)) == Array(bytes))
        }
        #expect(Self.content(Self.encoded(Self.json(), by: coder)) == first)
    }

    @Test func whatTheClientDoesNotTakeStaysAndStillVaries() {
        for accept in [nil, "br", "gzip;q=0", "identity"] {
            let response = Self.encoded(Self.json(), accept: accept)
            #expect(Self.content(response) == Self.text && response.fields["Content-Encoding"] == nil)
            #expect(response.fields["Vary"] == "Accept-Encoding")
        }
    }

    @Test func headIsAnsweredWithTheLengthOfGet() {
        let get = Self.content(Self.encoded(Self.json()))
        let head = Self.encoded(Self.json(), method: .head)
        #expect(Self.content(head).count == get.count && head.fields["Content-Encoding"] == "gzip")
    }

    @Test func aStrongTagBecomesWeakWhereBytesChange() {
        #expect(Self.encoded(Self.json(Self.text, [("ETag", "\"x\"")])).fields["ETag"] == "W/\"x\"")
        #expect(Self.encoded(Self.json(Self.text, [("ETag", "W/\"x\"")])).fields["ETag"] == "W/\"x\"")
        #expect(Self.encoded(Self.json(Self.text, [("ETag", "\"x\"")]), accept: nil).fields["ETag"] == "\"x\"")
    }

    @Test func varyIsAddedToAndNotDoubled() {
        var origin = Self.json()
        origin.fields["Vary"] = "Origin"
        #expect(Self.encoded(origin).fields["Vary"] == "Origin, Accept-Encoding")
        for vary in ["accept-encoding", "Origin, Accept-Encoding", "*"] {
            #expect(Self.encoded(Self.json(Self.text, [("Vary", vary)])).fields["Vary"] == vary)
        }
    }

    @Test(arguments: [
        ("Content-Encoding", "br"), ("Content-Encoding", "identity"), ("Cache-Control", "no-transform"),
        ("Cache-Control", "private, No-Transform"), ("Content-Type", "image/png"), ("Content-Type", "application/gzip"),
    ])
    func whatIsNotOursToChangeStays(name: String, value: String) {
        let response = Self.encoded(Self.json(Self.text, [(name, value)]))
        #expect(Self.content(response) == Self.text && response.fields["Vary"] == nil)
    }

    @Test func statusesWithoutWholeContentStay() {
        for status in [HTTPStatus.noContent, .notModified, .partialContent, .resetContent] {
            var response = Self.json()
            response.status = status
            #expect(Self.content(Self.encoded(response)) == Self.text)
        }
        var failure = Self.json()
        failure.status = .notFound
        #expect(Self.encoded(failure).fields["Content-Encoding"] == "gzip")
    }

    @Test func theBoundsAreExact() {
        func isEncoded(_ count: Int) -> Bool {
            Self.encoded(Self.json([UInt8](repeating: UInt8(ascii: "a"), count: count))).fields["Content-Encoding"]
                != nil
        }
        #expect(!isEncoded(1_023) && isEncoded(1_024) && isEncoded(256 * 1024) && !isEncoded(256 * 1024 + 1))
    }

    @Test func whatDoesNotShrinkStays() {
        var generator = SeededGenerator(seed: 3)
        let noise = (0..<2_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let response = Self.encoded(Self.json(noise))
        #expect(Self.content(response) == noise && response.fields["Content-Encoding"] == nil)
        #expect(response.fields["Vary"] == "Accept-Encoding")
    }

    @Test(arguments: [
        ("text/html; charset=utf-8", true), ("TEXT/plain", true), ("application/problem+json", true),
        ("image/svg+xml", true), ("application/json;x", true), ("application/javascript", true),
        ("application/octet-stream", false), ("image/jpeg", false), ("", false), ("text", false),
    ])
    func textIsKnownByItsType(type: String, isText: Bool) { #expect(HTTPContentCoder.isText(type) == isText) }

    /// Through the listener: lengths, HEAD, and a switch that is off.
    @Test(arguments: [true, false])
    func theListenerCompressesWhereItIsSwitchedOn(isOn: Bool) async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration(responder: { _, _ in Self.json() })
            if !isOn { configuration.contentCoding = nil }
            try configuration.useTestTransport()
            try await withListener(configuration, group: group) { listener in
                let client = try RawClient(port: listener.port)
                let request = "/ HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: "
                try await client.send("HEAD \(request)keep-alive\r\n\r\nGET \(request)close\r\n\r\n")
                var bytes: [UInt8] = []
                while case let portion = try await client.receive(), !portion.isEmpty { bytes += portion }
                let answers = try #require(HTTPAnswer.read(bytes, isHead: { $0 == 0 }))
                #expect(answers.count == 2)
                #expect(answers[0].values("Content-Length") == answers[1].values("Content-Length"))
                for answer in answers {
                    #expect(answer.values("Content-Encoding") == (isOn ? ["gzip"] : []))
                    #expect(answer.values("Vary") == (isOn ? ["Accept-Encoding"] : []))
                }
            }
        }
    }
}
