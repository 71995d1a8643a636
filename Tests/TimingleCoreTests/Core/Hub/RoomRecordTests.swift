import FoundationEssentials
import Testing
import TimingleTestSupport

@testable import TimingleCore

struct RoomRecordTests {
    @Test(
        arguments: [
            "plain", "한국어 메시지", "emoji 👩‍👩‍👧‍👦 and 🇰🇷", "\"quotes\" and \\ back", "tab\tnewline\nreturn\r",
            "\u{1}\u{1f}\u{7f}", "line\u{2028}separator\u{2029}", "</script>", "e\u{301}",
            .repeating("가", count: 4_000),
        ] as [TextArgument]
    )
    func anyTextSurvivesTheRoundTrip(argument: TextArgument) throws {
        let text = argument.value
        let message = ChatMessage.sample(seq: 7, text: text)
        let bytes = RoomRecord.encode(message)
        #expect(RoomRecord.decode(bytes) == message)
        #expect(RoomRecord.decode(bytes)?.text.utf8.elementsEqual(text.utf8) == true)
        // An independent reader agrees.
        struct Probe: Decodable { let message: String }
        let probe = try JSONDecoder().decode(Probe.self, from: Data(bytes))
        #expect(probe.message == text)
    }

    @Test func everyFieldSurvivesTheRoundTrip() throws {
        let id = try #require(Identifier128("0190163d-8694-739b-aea5-966c26f8ad90"))
        let message = ChatMessage(
            eventID: EventID(rawValue: 9),
            seq: 3,
            ordinal: 2,
            createdAt: Timestamp(milliseconds: 1_768_471_200_123),
            messageID: MessageID(rawValue: id),
            clientID: ClientMessageID(rawValue: id),
            senderID: UserID(rawValue: 5),
            senderName: "민수",
            senderProfileURL: "https://example.com/a.png",
            text: "hello",
            type: .image,
            attachments: ["https://example.com/1.jpg"],
            replyTo: MessageID(rawValue: id),
            metadata: ["a": "b"]
        )
        #expect(RoomRecord.decode(RoomRecord.encode(message)) == message)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "{\"event_id\":1}", "nonsense", "{\"event_id\":0,\"seq\":1}",
    ])
    func foreignBytesAreNoItem(text: String) {
        #expect(RoomRecord.decode(Array(text.utf8)) == nil)
    }

    @Test func everyPrefixIsNoItem() {
        let bytes = RoomRecord.encode(.sample(seq: 1))
        for count in 0..<bytes.count { #expect(RoomRecord.decode(Array(bytes.prefix(count))) == nil) }
    }
}
