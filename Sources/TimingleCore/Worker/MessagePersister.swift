package import TimingleNet

/// Stores the items of rooms: by room and `seq`, idempotently, then moves the rooms' positions and the senders' read
/// marks.
///
/// Any thread.
package struct MessagePersister: StreamSink {
    private let messages: any MessageStore
    private let marks: any RoomMarkStore

    private struct Writer: Hashable {
        let eventID: EventID
        let userID: UserID
    }

    package init(messages: any MessageStore, marks: any RoomMarkStore) {
        self.messages = messages
        self.marks = marks
    }

    package func decode(_ payload: [UInt8]) -> ChatMessage? { RoomRecord.decode(payload) }

    package func store(_ records: [ChatMessage]) async throws(StoreError) {
        let ordered = records.sorted { ($0.eventID, $0.seq) < ($1.eventID, $1.seq) }
        try await self.messages.append(ordered)
        var positions: [EventID: RoomPosition] = [:]
        var marks: [ReadMark] = []
        var isMarked: Set<Writer> = []
        // From the newest back: who wrote has read up to the own last message.
        for message in ordered.reversed() {
            if positions[message.eventID] == nil { positions[message.eventID] = message.position }
            let writer = Writer(eventID: message.eventID, userID: message.senderID)
            guard message.senderID != .system, isMarked.insert(writer).inserted else { continue }
            marks.append(
                ReadMark(
                    eventID: message.eventID,
                    userID: message.senderID,
                    seq: message.seq,
                    ordinal: message.ordinal
                )
            )
        }
        try await self.marks.advanceRooms(positions, readBy: marks)
    }
}

extension MessagePersister {
    /// The worker on CHAT_MESSAGES: one durable consumer, shared by all processes that run it.
    package static func worker(
        loop: EventLoop,
        client: JetStreamClient,
        messages: any MessageStore,
        marks: any RoomMarkStore,
        limits: StreamWorkerLimits = StreamWorkerLimits(),
        ackWait: Duration = .seconds(30),
        log: Log
    ) -> StreamWorker<MessagePersister> {
        var consumer = JetStreamConsumerSettings(stream: JetStreamTopology.chatStream, durable: "chat-worker")
        consumer.ackWait = ackWait
        return StreamWorker(
            loop: loop,
            client: client,
            consumer: consumer,
            sink: MessagePersister(messages: messages, marks: marks),
            deadLetterSubject: "deadletter.chat",
            limits: limits,
            log: log
        )
    }
}
