import Testing

@testable import TimingleCore

struct JetStreamDeliveryTests {
    private func delivery(_ reply: String?) -> JetStreamDelivery? {
        JetStreamDelivery(NATSMessage(subject: "chat.message.1", reply: reply, payload: [1, 2]))
    }

    @Test func theShortReplySubjectIsRead() {
        let delivery = self.delivery("$JS.ACK.CHAT_MESSAGES.chat-worker.2.41.17.1700000000000000000.9")
        #expect(delivery?.deliveryCount == 2)
        #expect(delivery?.sequence == 41)
        #expect(delivery?.pending == 9)
        #expect(delivery?.payload == [1, 2])
    }

    @Test func theLongReplySubjectIsRead() {
        let delivery = self.delivery(
            "$JS.ACK.hub.ACCHASH.CHAT_MESSAGES.chat-worker.1.41.17.1700000000000000000.9.r4nd0m"
        )
        #expect(delivery?.deliveryCount == 1)
        #expect(delivery?.sequence == 41)
        #expect(delivery?.pending == 9)
    }

    @Test(arguments: [
        nil, "", "$JS.ACK.", "$JS.ACK.a.b.c.d.e.f.g", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.S.C.1.2.3.4.5.6",
        "_INBOX.S.C.1.2.3.4.5.6", "$JS.ACK.S.C.1.99999999999999999999.3.4.5",
    ])
    func otherReplySubjectsAreNoDelivery(reply: String?) {
        #expect(self.delivery(reply) == nil)
    }

    @Test(arguments: [
        (JetStreamSettlement.ack, "+ACK"), (.inProgress, "+WPI"), (.term, "+TERM"),
        (.nak(after: .milliseconds(1_500)), "-NAK {\"delay\":1500000000}"),
        (.nak(after: .seconds(-1)), "-NAK {\"delay\":0}"),
    ])
    func settlementsAreWrittenAsTheProtocolSays(settlement: JetStreamSettlement, text: String) {
        #expect(String(decoding: settlement.payload, as: UTF8.self) == text)
    }

    @Test(arguments: [
        ("nats://user:secret@host:4222", "nats://host:4222"), ("nats://host", "nats://host"),
        ("nats://a:b@h1,nats://h2", "nats://h1,nats://h2"), ("token@h", "h"),
    ])
    func passwordsStayOutOfLogs(url: String, shown: String) {
        #expect(NATSConfiguration(url: url).shownURL == shown)
    }
}
