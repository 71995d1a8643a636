import Testing

@testable import TimingleNet

struct PerMessageDeflateNegotiationTests {
    /// The answer to the field's lines; nil when all offers are declined.
    private static func answer(
        _ lines: [String],
        keepsContext: Bool = false,
        budget: Int = 1 << 30
    ) throws -> String? {
        var settings = PerMessageDeflate()
        settings.keepsContext = keepsContext
        settings.contextBytesPerLoop = budget
        let offers = try #require(WebSocketExtensionOffer.all(lines))
        return PerMessageDeflateShard(settings).agree(to: offers)?.fieldValue
    }

    private static let none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    @Test(arguments: [
        ("permessage-deflate", Self.none),
        ("permessage-deflate; client_max_window_bits", Self.none),
        ("permessage-deflate; client_max_window_bits=8", Self.none),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", Self.none),
        ("permessage-deflate; server_max_window_bits=8", "\(Self.none); server_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=15", "\(Self.none); server_max_window_bits=15"),
        ("permessage-deflate;server_max_window_bits=\"10\"", "\(Self.none); server_max_window_bits=10"),
        ("permessage-deflate ; server_max_window_bits = \"1\\0\" ", "\(Self.none); server_max_window_bits=10"),
        // The first that can be.
        ("x-webkit-deflate-frame, permessage-deflate", Self.none),
        (
            "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=9",
            "\(Self.none); server_max_window_bits=9"
        ),
        ("permessage-deflate, permessage-deflate; server_max_window_bits=9", Self.none),
        (", permessage-deflate,,", Self.none),
    ])
    func anOfferIsAnsweredWithoutContexts(offer: String, answer: String) throws {
        #expect(try Self.answer([offer]) == answer)
    }

    @Test(arguments: [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        ("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
        (
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=15"
        ),
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
            "permessage-deflate; client_no_context_takeover"
        ),
    ])
    func anOfferIsAnsweredWithContexts(offer: String, answer: String) throws {
        #expect(try Self.answer([offer], keepsContext: true) == answer)
    }

    @Test(arguments: [
        "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08", "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=9x", "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=016", "permessage-deflate; client_max_window_bits=x",
        "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", "permessage-bzip2",
        "x-webkit-deflate-frame", "PERMESSAGE-DEFLATE; server_max_window_bits=\"99\"",
    ])
    func aWrongOfferIsDeclinedAndTheNextIsTried(offer: String) throws {
        #expect(try Self.answer([offer]) == nil)
        #expect(try Self.answer(["\(offer), permessage-deflate"]) == Self.none)
        // The same on two lines.
        #expect(try Self.answer([offer, "permessage-deflate"]) == Self.none)
    }

    @Test func noOfferIsNoAgreement() throws {
        #expect(try Self.answer([]) == nil)
    }

    @Test(arguments: [
        "a b", "a;", "a;;b", "a; b=", "a; =b", "a; b=\"\"", "a; b=\"c", "a; b=\"c d\"", "a; b=\"c\\",
        "a; b=\"c\"d", "a/b", "a; b=c=d", "é", "a; b=\"\\\"\"",
    ])
    func whatIsNoListFailsTheHandshake(value: String) {
        #expect(WebSocketExtensionOffer.all([value]) == nil)
        #expect(WebSocketExtensionOffer.all(["a", value, "b"]) == nil)
        Self.expectRefusal(value)
    }

    /// Empty members are allowed, but not a list of nothing else.
    @Test(arguments: ["", " ", ",", " ,\t, "])
    func aListHasAMember(value: String) {
        #expect(WebSocketExtensionOffer.all([value]) == nil)
        #expect(WebSocketExtensionOffer.all(["a", value, "b"])?.map(\.name) == ["a", "b"])
        Self.expectRefusal(value)
    }

    private static func expectRefusal(_ value: String) {
        let request = HTTPRequest(
            method: .get,
            target: "/",
            fields: [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions": value,
            ],
            body: []
        )
        #expect(throws: WebSocketHandshakeError.extensionsInvalid) { try WebSocketHandshake.validate(request) }
    }

    @Test func namesAndValuesAreKeptInOrder() {
        let offers = WebSocketExtensionOffer.all(["foo, bar; baz=2 ;\tqux", "foo; \"x\"=1"])
        #expect(offers == nil)
        #expect(
            WebSocketExtensionOffer.all(["foo, bar; baz=2 ;\tqux", "foo; x=\"\\1.5\""]) == [
                WebSocketExtensionOffer(name: "foo", parameters: []),
                WebSocketExtensionOffer(
                    name: "bar",
                    parameters: [.init(name: "baz", value: "2"), .init(name: "qux", value: nil)]
                ),
                WebSocketExtensionOffer(name: "foo", parameters: [.init(name: "x", value: "1.5")]),
            ]
        )
    }

    @Test func contextsAreAgreedOnWhileThereIsRoomForThem() throws {
        var settings = PerMessageDeflate()
        settings.keepsContext = true
        let server = Deflater.memoryBytes(windowBits: 15, memoryLevel: settings.memoryLevel)
        let client = Inflater.memoryBytes(windowBits: 15)
        settings.contextBytesPerLoop = 2 * server + client
        let shard = PerMessageDeflateShard(settings)
        let offers = try #require(WebSocketExtensionOffer.all(["permessage-deflate"]))
        var codecs: [PerMessageDeflateCodec] = []
        var answers: [String] = []
        for _ in 0..<3 {
            let agreement = try #require(shard.agree(to: offers))
            answers.append(agreement.fieldValue)
            codecs.append(shard.makeCodec(agreement))
        }
        #expect(
            answers == ["permessage-deflate", "permessage-deflate; client_no_context_takeover", Self.none]
        )
        #expect(shard.contextBytes == settings.contextBytesPerLoop)
        codecs[0].end()
        codecs[0].end()
        #expect(shard.contextBytes == server)
        #expect(shard.agree(to: offers)?.fieldValue == "permessage-deflate")
        for codec in codecs { codec.end() }
        #expect(shard.contextBytes == 0)
    }
}
