package import TimingleNet

/// Stores the items of rooms: by room and `seq`, idempotently, then moves the rooms' positions.
///
/// Any thread.
package struct MessagePersister: StreamSink {
    private let messages: any MessageStore
    private let marks: any RoomMarkStore

    package init(messages: any MessageStore, marks: any RoomMarkStore) {
        self.messages = messages
        self.marks = marks
    }

    package func decode(_ payload: [UInt8]) -> ChatMessage? { RoomRecord.decode(payload) }

    package func store(_ records: [ChatMessage]) async throws(StoreError) {
        let ordered = records.sorted { ($0.eventID, $0.seq) < ($1.eventID, $1.seq) }
        try await self.messages.append(ordered)
        var positions: [EventID: RoomPosition] = [:]
        for message in ordered { positions[message.eventID] = message.position }
        try await self.marks.advanceRooms(positions)
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
