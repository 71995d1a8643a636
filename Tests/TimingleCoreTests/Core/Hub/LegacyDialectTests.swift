import Testing
import TimingleTestSupport

@testable import TimingleCore

struct LegacyDialectTests {
    private let event = EventID(rawValue: 5)

    private func parse(_ text: String) -> Result<LegacyCommand, ServiceError> {
        let bytes = Array(text.utf8)
        do throws(ServiceError) {
            return .success(try LegacyDialect.parse(bytes.span, event: self.event))
        } catch {
            return .failure(error)
        }
    }

    @Test(arguments: [
        #"{"type":"message","message":"hi"}"#, #"{"message":"hi"}"#, #"{"text":"hi"}"#, #"{"body":"hi","event_id":5}"#,
        #"{"type":"message","message":"hi","reply_to":null}"#, #"{"event_id":5.0,"type":"text","text":"hi"}"#,
    ])
    func theShapesOfAMessageAreUnderstood(frame: String) {
        #expect(
            self.parse(frame)
                == .success(.message(text: "hi", replyTo: nil, clientID: nil, type: .text, attachments: []))
        )
    }

    @Test func allFieldsOfAMessageAreRead() throws {
        let id = "0190163d-8694-739b-aea5-966c26f8ad90"
        let parsed = self.parse(
            #"{"type":"message","message":"x","reply_to":"\#(id)","client_message_id":"\#(id)","message_type":"image","attachments":["https://a/b"]}"#
        )
        let value = try #require(Identifier128(id))
        #expect(
            parsed
                == .success(
                    .message(
                        text: "x",
                        replyTo: MessageID(rawValue: value),
                        clientID: ClientMessageID(rawValue: value),
                        type: .image,
                        attachments: ["https://a/b"]
                    )
                )
        )
        #expect(self.parse(#"{"type":"typing"}"#) == .success(.typing))
        #expect(self.parse(#"{"type":"ping"}"#) == .success(.ping))
        #expect(
            self.parse(#"{"type":"read","message_id":"\#(id)"}"#) == .success(.read(MessageID(rawValue: value)))
        )
    }

    @Test(
        arguments: [
            ("", "INVALID_JSON"), ("hello", "INVALID_JSON"), ("[]", "INVALID_JSON"), ("\"x\"", "INVALID_JSON"),
            ("{\"message\":\"a\"}{\"message\":\"b\"}", "INVALID_JSON"), ("{\"message\":\"a\"}\n{}", "INVALID_JSON"),
            ("{\"message\":\"\\ud800\"}", "INVALID_JSON"), ("{\"message\":1e999}", "INVALID_JSON"),
            (.repeating("[", count: 10_000), "INVALID_JSON"), ("{\"a\":[[[[[[[[[1]]]]]]]]]}", "INVALID_JSON"),
            ("{}", "VALIDATION_ERROR"), ("{\"message\":5}", "VALIDATION_ERROR"),
            ("{\"message\":null}", "VALIDATION_ERROR"),
            ("{\"message\":\"\\u0000\"}", "VALIDATION_ERROR"),
            ("{\"message\":\"a\",\"event_id\":6}", "VALIDATION_ERROR"),
            ("{\"message\":\"a\",\"event_id\":\"5\"}", "VALIDATION_ERROR"),
            ("{\"message\":\"a\",\"reply_to\":\"x\"}", "VALIDATION_ERROR"),
            ("{\"message\":\"a\",\"client_id\":7}", "VALIDATION_ERROR"),
            ("{\"message\":\"a\",\"message_type\":\"system\"}", "VALIDATION_ERROR"),
            ("{\"type\":\"read\"}", "VALIDATION_ERROR"), ("{\"type\":7,\"message\":\"a\"}", "VALIDATION_ERROR"),
            ("{\"type\":\"system\",\"message\":\"a\"}", "TYPE_NOT_ALLOWED"),
            ("{\"type\":\"nonsense\"}", "UNKNOWN_TYPE"),
        ] as [(TextArgument, String)]
    )
    func badFramesAreTypedErrors(frame: TextArgument, code: String) {
        switch self.parse(frame.value) {
        case .success(let command): Issue.record("understood as \(command)")
        case .failure(let error): #expect(error.code == code)
        }
    }

    @Test func envelopesAreNoChatMessagesAndNoticesAre() throws {
        let required = ["event_id", "created_at", "message_id", "sender_id", "sender_name", "message"]
        let error = LegacyDialect.error(.rateLimited(retryAfterSeconds: 3), event: self.event, language: .english)
        guard case .object(let envelope) = try JSONReader.parse(Array(error.payloadText.utf8)) else {
            Issue.record("no object")
            return
        }
        #expect(!required.allSatisfy { envelope[$0] != nil })
        guard case .object(let data)? = envelope["data"] else {
            Issue.record("no data")
            return
        }
        #expect(data["retryable"] == .bool(true))
        #expect(data["retry_after"] == .integer(3))
        let notice = LegacyDialect.notice(
            "안내",
            event: self.event,
            at: Timestamp(milliseconds: 0),
            id: Identifier128(high: 1, low: 2)
        )
        guard case .object(let line) = try JSONReader.parse(Array(notice.payloadText.utf8)) else {
            Issue.record("no object")
            return
        }
        #expect(required.allSatisfy { line[$0] != nil })
        #expect(line["message_type"] == .string("system"))
    }
}
