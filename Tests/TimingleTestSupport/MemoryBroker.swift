package import TimingleCore

/// `MessageBroker` in memory: keeps the broker's rules (expected last sequence, keys) and fails as it is told.
package final class MemoryBroker: MessageBroker, RoomRelay {
    /// What the next append does instead of succeeding.
    package enum Fault: Sendable, Equatable {
        case unavailable
        case rejected
        /// The item is stored, the answer is lost.
        case storedButUnknown
        /// Nothing is stored, the answer is lost.
        case lostAndUnknown
        /// A rival of another process appends to the room first.
        case rivalFirst
    }

    private struct State {
        var items: [(event: EventID, key: String, payload: [UInt8])] = []
        var faults: [Fault] = []
        var isAway = false
        var appends = 0
        var lasts = 0
        var reads = 0
        var readsUnderWay = 0
        var readsAtOnceMax = 0
        var listeners: [@Sendable (EventID, BrokerItem) -> Void] = []
        var announced: [BrokerItem] = []
        var lossListeners: [@Sendable () -> Void] = []
        var signals: [RoomSignal] = []
        var signalListeners: [@Sendable (RoomSignal) -> Void] = []
    }

    private let state = Locked(State())

    package init() {}

    package var appendCount: Int { self.state.withLock { $0.appends } }

    /// How often it was asked for the last item of a room.
    package var lastCount: Int { self.state.withLock { $0.lasts } }
    /// How often it was asked for the next item of a room.
    package var readCount: Int { self.state.withLock { $0.reads } }
    /// How many asked for it at the same time, at most.
    package var readsAtOnceMax: Int { self.state.withLock { $0.readsAtOnceMax } }

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    package func fail(_ faults: Fault...) { self.state.withLock { $0.faults += faults } }

    /// Everything of the room, in the stream's order.
    package func messages(_ event: EventID) -> [ChatMessage] {
        self.state.withLock { state in
            state.items.filter { $0.event == event }.compactMap { RoomRecord.decode($0.payload) }
        }
    }

    /// Forgets which keys it has seen: the window for duplicates is over.
    package func forgetKeys() {
        self.state.withLock { state in
            for index in state.items.indices { state.items[index].key = "forgotten-\(index)" }
        }
    }

    /// Forgets everything, as a broker that lost its data.
    package func loseEverything() { self.state.withLock { $0.items = [] } }

    package func append(
        event: EventID,
        payload: [UInt8],
        key: String,
        expectedLast: UInt64
    ) async throws(BrokerError) -> BrokerReceipt {
        let result: Result<BrokerReceipt, BrokerError> = self.state.withLock { state in
            state.appends += 1
            if state.isAway { return .failure(.unavailable("away")) }
            let fault = state.faults.isEmpty ? nil : state.faults.removeFirst()
            switch fault {
            case .unavailable?: return .failure(.unavailable("scripted"))
            case .rejected?: return .failure(.rejected("scripted"))
            case .lostAndUnknown?: return .failure(.outcomeUnknown("scripted"))
            case .rivalFirst?: Self.appendRival(&state, event)
            case .storedButUnknown?, nil: break
            }
            let receipt = Self.append(&state, event, payload, key, expectedLast)
            if fault == .storedButUnknown { return .failure(.outcomeUnknown("scripted")) }
            return receipt
        }
        return try result.get()
    }

    private static func append(
        _ state: inout State,
        _ event: EventID,
        _ payload: [UInt8],
        _ key: String,
        _ expectedLast: UInt64
    ) -> Result<BrokerReceipt, BrokerError> {
        // In this order, as nats-server 2.15 does it.
        let last = state.items.lastIndex { $0.event == event }.map { UInt64($0 + 1) } ?? 0
        guard last == expectedLast else { return .failure(.wrongLastSequence) }
        if let index = state.items.firstIndex(where: { $0.key == key }) {
            return .success(BrokerReceipt(sequence: UInt64(index + 1), isDuplicate: true))
        }
        state.items.append((event, key, payload))
        return .success(BrokerReceipt(sequence: UInt64(state.items.count), isDuplicate: false))
    }

    private static func appendRival(_ state: inout State, _ event: EventID) {
        let last = state.items.last { $0.event == event }.flatMap { RoomRecord.decode($0.payload) }
        let number = state.items.count
        let message = ChatMessage(
            eventID: event,
            seq: (last?.seq ?? 0) + 1,
            ordinal: (last?.ordinal ?? 0) + 1,
            createdAt: Timestamp(milliseconds: (last?.createdAt.milliseconds ?? 1_000) + 1),
            messageID: MessageID(rawValue: Identifier128(high: 0x7000, low: 0x8000_0000_0000_0000 | UInt64(number))),
            senderID: UserID(rawValue: 999),
            senderName: "rival",
            text: "first!"
        )
        state.items.append((event, "rival-\(number)", RoomRecord.encode(message)))
    }

    package func last(event: EventID) async throws(BrokerError) -> BrokerItem? {
        defer { self.state.withLock { $0.lasts += 1 } }
        return try self.read { state in
            state.items.lastIndex { $0.event == event }.map { index in
                BrokerItem(sequence: UInt64(index + 1), payload: state.items[index].payload)
            }
        }
    }

    package func item(at sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        try self.read { state in
            guard sequence >= 1, sequence <= state.items.count else { return nil }
            return BrokerItem(sequence: sequence, payload: state.items[Int(sequence) - 1].payload)
        }
    }

    package func next(event: EventID, from sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        self.state.withLock { state in
            state.reads += 1
            state.readsUnderWay += 1
            state.readsAtOnceMax = max(state.readsAtOnceMax, state.readsUnderWay)
        }
        defer { self.state.withLock { $0.readsUnderWay -= 1 } }
        // As behind a network: whoever else is about to ask does.
        await Task.yield()
        return try self.read { state in
            for index in state.items.indices where UInt64(index + 1) >= sequence && state.items[index].event == event {
                return BrokerItem(sequence: UInt64(index + 1), payload: state.items[index].payload)
            }
            return nil
        }
    }

    private func read(_ body: (State) -> BrokerItem?) throws(BrokerError) -> BrokerItem? {
        let result: Result<BrokerItem?, BrokerError> = self.state.withLock { state in
            state.isAway ? .failure(.unavailable("away")) : .success(body(state))
        }
        return try result.get()
    }

    // MARK: RoomRelay

    package func announce(event: EventID, item: BrokerItem) { self.state.withLock { $0.announced.append(item) } }

    package func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void) {
        self.state.withLock { $0.listeners.append(handler) }
    }

    package func listen(losses handler: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.lossListeners.append(handler) }
    }

    /// As if announcements could have been lost.
    package func mayHaveLostAnnouncements() {
        for listener in self.state.withLock({ $0.lossListeners }) { listener() }
    }

    package func signal(_ signal: RoomSignal) { self.state.withLock { $0.signals.append(signal) } }

    package func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void) {
        self.state.withLock { $0.signalListeners.append(handler) }
    }

    /// What was signalled to other processes.
    package var signals: [RoomSignal] { self.state.withLock { $0.signals } }

    /// As if another process had signalled it.
    package func deliver(_ signal: RoomSignal) {
        for listener in self.state.withLock({ $0.signalListeners }) { listener(signal) }
    }

    /// As if another process had announced it.
    package func deliver(_ event: EventID, _ item: BrokerItem) {
        for listener in self.state.withLock({ $0.listeners }) { listener(event, item) }
    }
}

/// `ChangePublisher` in memory.
package final class MemoryChangePublisher: ChangePublisher {
    private let state = Locked<(changes: [EventChange], failures: Int)>(([], 0))

    package init() {}

    package var changes: [EventChange] { self.state.withLock { $0.changes } }

    package func failNext(_ count: Int) { self.state.withLock { $0.failures = count } }

    package func publish(_ change: EventChange) async throws(BrokerError) {
        let error = self.state.withLock { state -> BrokerError? in
            if state.failures > 0 {
                state.failures -= 1
                return .unavailable("scripted")
            }
            // The broker knows a key again.
            if !state.changes.contains(where: { $0.id == change.id }) { state.changes.append(change) }
            return nil
        }
        if let error { throw error }
    }
}
