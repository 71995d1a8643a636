package import TimingleCore

/// `RoomRelay` between the hubs of one test, each with its own end.
package final class MemoryRelay: RoomRelay {
    private struct State {
        var items: [(end: Int, handler: @Sendable (EventID, BrokerItem) -> Void)] = []
        var signals: [(end: Int, handler: @Sendable (RoomSignal) -> Void)] = []
        var losses: [(end: Int, handler: @Sendable () -> Void)] = []
        var isDeaf = false
        var isDeafToItems = false
    }

    private let end: Int
    private let state: Locked<State>

    /// The first end; `other` makes more.
    package convenience init() { self.init(end: 0, state: Locked(State())) }

    private init(end: Int, state: Locked<State>) {
        self.end = end
        self.state = state
    }

    package func other(_ end: Int) -> MemoryRelay { MemoryRelay(end: end, state: self.state) }

    /// Whether signals get lost.
    package var isDeaf: Bool {
        get { self.state.withLock { $0.isDeaf } }
        set { self.state.withLock { $0.isDeaf = newValue } }
    }

    /// Whether announcements get lost.
    package var isDeafToItems: Bool {
        get { self.state.withLock { $0.isDeafToItems } }
        set { self.state.withLock { $0.isDeafToItems = newValue } }
    }

    /// As if this end had been cut off for a while.
    package func returned() {
        for listener in self.state.withLock({ $0.losses }) where listener.end == self.end { listener.handler() }
    }

    package func announce(event: EventID, item: BrokerItem) {
        let listeners = self.state.withLock { $0.isDeafToItems ? [] : $0.items }
        for listener in listeners where listener.end != self.end { listener.handler(event, item) }
    }

    package func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void) {
        self.state.withLock { $0.items.append((self.end, handler)) }
    }

    package func listen(losses handler: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.losses.append((self.end, handler)) }
    }

    package func signal(_ signal: RoomSignal) {
        let listeners = self.state.withLock { $0.isDeaf ? [] : $0.signals }
        for listener in listeners where listener.end != self.end { listener.handler(signal) }
    }

    package func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void) {
        self.state.withLock { $0.signals.append((self.end, handler)) }
    }
}
