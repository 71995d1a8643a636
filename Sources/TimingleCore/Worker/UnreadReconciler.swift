internal import Synchronization
package import TimingleNet

/// Keeps the copy of the unread counts near the truth: rooms in which something moved are looked at every few seconds.
///
/// Any thread (Mutex). A room whose counters were moved is looked at once more, until nothing is left to move: two
/// processes may have moved one counter for the same reason.
package final class UnreadReconciler: Sendable {
    /// Amounts and times.
    package struct Limits: Sendable {
        package var interval: Duration = .seconds(3)
        package var roomsPerTurn = 64
        /// Rooms that may wait; of more than these the copy stays as it is until something moves again.
        package var roomsWaitingMax = 65_536

        package init() {}
    }

    private let source: any UnreadCountSource
    private let view: any UnreadCountView
    private let limits: Limits
    private let log: Log
    private let rooms = Mutex<Set<EventID>>([])
    private let task = Mutex<Task<Void, Never>?>(nil)
    /// What goes on failing is told once.
    private let isFailing = Mutex(false)

    package init(
        source: any UnreadCountSource,
        view: any UnreadCountView,
        limits: Limits = Limits(),
        log: Log
    ) {
        self.source = source
        self.view = view
        self.limits = limits
        self.log = log.labelled("unread")
    }

    /// Messages were stored in these rooms, or read marks moved.
    package func moved(_ events: some Sequence<EventID>) {
        self.rooms.withLock { rooms in
            for event in events where rooms.count < self.limits.roomsWaitingMax || rooms.contains(event) {
                rooms.insert(event)
            }
        }
    }

    package func start() {
        let task = Task { [weak self, interval = self.limits.interval] in
            while !Task.isCancelled {
                // Processes that began together do not stay together.
                try? await Task.sleep(for: interval * Double.random(in: 0.75...1.25))
                guard let self, !Task.isCancelled else { return }
                while await self.turn() {}
            }
        }
        self.task.withLock { $0 = task }
    }

    package func stop() async {
        let task = self.task.withLock { task -> Task<Void, Never>? in
            defer { task = nil }
            return task
        }
        task?.cancel()
        await task?.value
    }

    /// Reconciles some rooms; true when others wait.
    func turn() async -> Bool {
        let events = self.rooms.withLock { rooms -> [EventID] in
            let some = Array(rooms.prefix(self.limits.roomsPerTurn))
            rooms.subtract(some)
            return some
        }
        guard !events.isEmpty else { return false }
        do throws(StoreError) {
            if try await self.view.reconcile(try await self.source.unread(in: events)) > 0 { self.moved(events) }
            if self.changed(isFailing: false) { self.log.info("unread counts are reconciled again") }
            return self.rooms.withLock { $0.count } > events.count
        } catch {
            if self.changed(isFailing: true) {
                self.log.warning("unread counts not reconciled", ["error": "\(error)"])
            } else {
                self.log.debug("unread counts not reconciled", ["error": "\(error)"])
            }
            self.moved(events)
            return false
        }
    }

    private func changed(isFailing: Bool) -> Bool {
        self.isFailing.withLock { last in
            defer { last = isFailing }
            return last != isFailing
        }
    }
}

/// A store of read marks that tells a reconciler what moved.
///
/// Immutable.
package struct ReconciledRoomMarks: RoomMarkStore {
    private let marks: any RoomMarkStore
    private let reconciler: UnreadReconciler

    package init(marks: any RoomMarkStore, reconciler: UnreadReconciler) {
        self.marks = marks
        self.reconciler = reconciler
    }

    package func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError) {
        try await self.marks.advanceRooms(positions, readBy: marks)
        self.reconciler.moved(positions.keys)
    }

    package func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark] {
        let others = try await self.marks.markRead(marks)
        self.reconciler.moved(marks.map(\.eventID))
        return others
    }

    package func markRead(event: EventID, user: UserID, seq: Int64, ordinal: Int64) async throws(StoreError) {
        try await self.marks.markRead(event: event, user: user, seq: seq, ordinal: ordinal)
        self.reconciler.moved(CollectionOfOne(event))
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        try await self.marks.position(event: event)
    }
}
