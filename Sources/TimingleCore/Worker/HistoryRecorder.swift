package import TimingleNet

/// Writes the evidence of changes and tells the room of each in one line.
///
/// Any thread. Both are idempotent: entries by change id, the line by the operation's id, for ever.
package struct HistoryRecorder: StreamSink {
    private let history: any HistoryStore
    private let rooms: any RoomPublisher

    package init(history: any HistoryStore, rooms: any RoomPublisher) {
        self.history = history
        self.rooms = rooms
    }

    package func decode(_ payload: [UInt8]) -> EventChange? { ChangeRecord.decode(payload) }

    package func store(_ records: [EventChange]) async throws(StoreError) {
        try await self.history.append(records.flatMap(\.entries))
        for change in records {
            guard let text = SystemLine.text(of: change) else { continue }
            do throws(ServiceError) {
                _ = try await self.rooms.append(Self.draft(change, text))
            } catch {
                // The whole batch comes again; what was written already is recognised.
                throw .unavailable("system line: \(error.underlying ?? error.code)")
            }
        }
    }

    private static func draft(_ change: EventChange, _ text: String) -> RoomDraft {
        let actor = change.entries.first
        return RoomDraft(
            eventID: change.eventID,
            senderID: .system,
            senderName: ChatLimits.systemSenderName,
            text: text,
            type: .system,
            metadata: [
                "change_id": change.id.description,
                "change_type": change.type.rawValue,
                "actor_id": actor?.actorID.description ?? UserID.system.description,
                "actor_name": actor?.actorName ?? "",
            ],
            clientID: ClientMessageID(rawValue: change.id.rawValue),
            key: change.id.description
        )
    }
}

extension HistoryRecorder {
    /// The worker on EVENTS: one durable consumer, shared by all processes that run it.
    package static func worker(
        loop: EventLoop,
        client: JetStreamClient,
        history: any HistoryStore,
        rooms: any RoomPublisher,
        limits: StreamWorkerLimits = StreamWorkerLimits(),
        ackWait: Duration = .seconds(30),
        log: Log
    ) -> StreamWorker<HistoryRecorder> {
        var consumer = JetStreamConsumerSettings(stream: JetStreamTopology.eventStream, durable: "history-worker")
        consumer.ackWait = ackWait
        return StreamWorker(
            loop: loop,
            client: client,
            consumer: consumer,
            sink: HistoryRecorder(history: history, rooms: rooms),
            deadLetterSubject: "deadletter.history",
            limits: limits,
            log: log
        )
    }
}
