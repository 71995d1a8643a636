package import TimingleCore

/// `MessageStore` in memory, with the store's own promises; fails as it is told.
package final class MemoryMessageStore: MessageStore {
    private struct State {
        var rooms: [EventID: [Int64: ChatMessage]] = [:]
        var failures = 0
        var poison: Set<String> = []
        var batches: [[ChatMessage]] = []
        var isAway = false
        var reads = 0
    }

    private let state = Locked(State())

    package init() {}

    /// The next `count` appends throw `.unavailable`.
    package func failNext(_ count: Int) { self.state.withLock { $0.failures = count } }

    /// Messages with this text can never be stored.
    package func refuse(text: String) { self.state.withLock { _ = $0.poison.insert(text) } }

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    package func messages(_ event: EventID) -> [ChatMessage] {
        self.state.withLock { state in state.rooms[event, default: [:]].values.sorted { $0.seq < $1.seq } }
    }

    /// What each successful append was given.
    package var batches: [[ChatMessage]] { self.state.withLock { $0.batches } }

    /// How often somebody has looked for something here.
    package var reads: Int { self.state.withLock { $0.reads } }

    package func append(_ messages: [ChatMessage]) async throws(StoreError) {
        let error = self.state.withLock { state -> StoreError? in
            if state.isAway { return .unavailable("away") }
            if state.failures > 0 {
                state.failures -= 1
                return .unavailable("scripted")
            }
            if messages.contains(where: { state.poison.contains($0.text) }) { return .rejected("poison") }
            for message in messages {
                let room = state.rooms[message.eventID, default: [:]]
                guard room[message.seq] == nil else { continue }
                if let clientID = message.clientID,
                    room.values.contains(where: { $0.clientID == clientID && $0.senderID == message.senderID })
                {
                    continue
                }
                state.rooms[message.eventID, default: [:]][message.seq] = message
            }
            state.batches.append(messages)
            return nil
        }
        if let error { throw error }
    }

    private func read<Value>(_ body: (State) -> Value) throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = self.state.withLock { state in
            state.reads += 1
            return state.isAway ? .failure(.unavailable("away")) : .success(body(state))
        }
        return try result.get()
    }

    private static func room(_ state: State, _ event: EventID) -> [ChatMessage] {
        state.rooms[event, default: [:]].values.sorted { $0.seq < $1.seq }
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        try self.read { state in
            Self.room(state, event).last.map {
                RoomPosition(seq: $0.seq, ordinal: $0.ordinal, createdAt: $0.createdAt)
            }
        }
    }

    package func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] {
        try self.read { state in
            Array(Self.room(state, event).reversed().filter { $0.seq < seq ?? .max }.prefix(limit))
        }
    }

    package func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] {
        try self.read { state in Array(Self.room(state, event).filter { $0.seq > seq }.prefix(limit)) }
    }

    package func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage? {
        try self.read { state in Self.room(state, event).first { $0.messageID == id } }
    }

    package func message(
        event: EventID,
        sender: UserID,
        clientID: ClientMessageID
    ) async throws(StoreError) -> ChatMessage? {
        try self.read { state in
            Self.room(state, event).first { $0.senderID == sender && $0.clientID == clientID }
        }
    }
}
