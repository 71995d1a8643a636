import Testing

@testable import TimingleCore

struct JetStreamConsumerStateTests {
    private func state(_ json: String) throws -> JetStreamConsumerState? {
        guard case .object(let fields) = try JSONReader.parse(Array(json.utf8)) else { return nil }
        return JetStreamConsumerState(fields)
    }

    @Test func theServersAnswerIsRead() throws {
        let state = try self.state(
            """
            {"delivered":{"consumer_seq":12,"stream_seq":40},"ack_floor":{"consumer_seq":9,"stream_seq":31},
            "num_ack_pending":3,"num_redelivered":1,"num_waiting":1,"num_pending":5}
            """
        )
        #expect(
            state
                == JetStreamConsumerState(settledUpTo: 31, deliveredUpTo: 40, pending: 5, unacknowledged: 3)
        )
        #expect(state?.unsettled == 32...40)
        #expect(state?.end == 45)
    }

    @Test func whereNothingWaitsThereIsNothingToRead() {
        #expect(JetStreamConsumerState(settledUpTo: 40, deliveredUpTo: 40, pending: 9).unsettled == nil)
        #expect(JetStreamConsumerState(settledUpTo: 39, deliveredUpTo: 40).unsettled == nil)
        // A floor above what was delivered (nats-server #5412) is no range.
        #expect(JetStreamConsumerState(settledUpTo: 50, deliveredUpTo: 40, unacknowledged: 1).unsettled == nil)
    }

    @Test(arguments: [
        "{}", #"{"delivered":{"stream_seq":1}}"#, #"{"delivered":{"stream_seq":-1},"ack_floor":{"stream_seq":0}}"#,
        #"{"delivered":7,"ack_floor":{"stream_seq":0}}"#,
    ])
    func anAnswerWithoutPositionsIsNone(json: String) throws {
        let state = try self.state(json)
        #expect(state == nil)
    }
}
