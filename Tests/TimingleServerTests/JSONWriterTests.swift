import Testing
import TimingleCore

struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(body), as: UTF8.self)
    }

    @Test func commasStandBetweenValuesOnly() {
        let written = self.text { writer in
            writer.field("a", 1)
            writer.field("b", [true, false])
            writer.field("c", object: { $0.field("d", "x") })
            writer.field(
                "e",
                array: { writer in
                    writer.object { _ in }
                    writer.object { $0.field("f", Int64.min) }
                }
            )
            writer.field("g", ifPresent: String?.none)
            writer.field("h", String?.none)
        }
        #expect(
            written
                == #"{"a":1,"b":[true,false],"c":{"d":"x"},"e":[{},{"f":-9223372036854775808}],"h":null}"#
        )
    }

    @Test func stringsThatEndLikeStructureGetTheirComma() {
        let written = self.text { writer in
            writer.field("a", "{")
            writer.field("b", "[")
            writer.field("c", ":")
            writer.field("d", "")
        }
        #expect(written == #"{"a":"{","b":"[","c":":","d":""}"#)
    }

    @Test func everyControlCharacterIsEscaped() throws {
        let original = String(String.UnicodeScalarView((0..<0x80).compactMap { Unicode.Scalar($0) })) + "안녕😀\u{2028}"
        let bytes = JSONWriter.bytes(of: original)
        let clean = bytes.allSatisfy { $0 >= 0x20 }
        #expect(clean)
        let parsed = try JSONReader.parse(bytes)
        #expect(parsed == .string(original))
    }

    @Test func numbersReadBackAsThemselves() throws {
        for value in [0.5, -1.25, 1e300, 2.5e-300, 123_456_789.125] {
            let parsed = try JSONReader.parse(JSONWriter.bytes(of: value))
            #expect(parsed == .number(value))
        }
        #expect(JSONWriter.bytes(of: Double.infinity) == Array("null".utf8))
    }

    @Test func messageHasTheClientsShape() {
        let message = ChatMessage(
            eventID: EventID(rawValue: 7),
            seq: 3,
            ordinal: 2,
            createdAt: Timestamp(milliseconds: 1_768_471_200_000),
            messageID: MessageID(rawValue: Identifier128(high: 1, low: 2)),
            senderID: UserID(rawValue: 9),
            senderName: "민수",
            senderProfileURL: "",
            text: "hi \"you\""
        )
        let text = String(decoding: JSONWriter.bytes(of: message), as: UTF8.self)
        let expected =
            #"{"event_id":7,"created_at":"2026-01-15T10:00:00.000Z","#
            + #""message_id":"00000000-0000-0001-0000-000000000002","seq":3,"sender_id":9,"sender_name":"민수","#
            + #""message":"hi \"you\"","message_type":"text","is_deleted":false}"#
        #expect(text == expected)
    }
}
