internal import Synchronization
internal import TimingleNet

/// A relay that also writes down who is typing, where a store for that is set.
///
/// Any thread (Atomic). Nobody waits for the store: what it does not take in time is left out, and the next sign of
/// typing comes in seconds.
package struct TypingRecorder: RoomRelay {
    private let relay: any RoomRelay
    private let store: any TypingStore
    private let clock: any WallClock
    private let underWay: UnderWay

    /// More writes than these at once are a store that hangs.
    private static let underWayMax = 64

    private final class UnderWay: Sendable {
        let count = Atomic<Int>(0)
    }

    package init(relay: any RoomRelay, store: any TypingStore, clock: any WallClock) {
        self.relay = relay
        self.store = store
        self.clock = clock
        self.underWay = UnderWay()
    }

    package func announce(event: EventID, item: BrokerItem) { self.relay.announce(event: event, item: item) }
    package func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void) { self.relay.listen(handler) }
    package func listen(losses handler: @escaping @Sendable () -> Void) { self.relay.listen(losses: handler) }
    package func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void) {
        self.relay.listen(signals: handler)
    }

    package func signal(_ signal: RoomSignal) {
        self.relay.signal(signal)
        guard case .typing(let event, let user, let name) = signal else { return }
        guard self.underWay.count.add(1, ordering: .relaxed).newValue <= Self.underWayMax else {
            self.underWay.count.subtract(1, ordering: .relaxed)
            return
        }
        let person = TypingPerson(userID: user, name: name, startedAt: self.clock.now())
        Task {
            do throws(StoreError) {
                try await self.store.started(person, in: event)
            } catch {
                // It would be forgotten in seconds anyhow.
            }
            self.underWay.count.subtract(1, ordering: .relaxed)
        }
    }
}
