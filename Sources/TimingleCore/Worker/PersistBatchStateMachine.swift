internal import TimingleNet

/// Something that can be told from another delivery of itself.
protocol PersistItem {
    /// The same for each delivery of one message.
    var sequence: UInt64 { get }
}

/// Gathers messages into batches: written when full or old enough, one at a time, kept until the write succeeded.
///
/// No clock and no I/O inside: time arrives as an argument. A message that is delivered again while it is in hand
/// replaces the older delivery, because only the newest one can be acknowledged.
struct PersistBatchStateMachine<Item: PersistItem> {
    private enum State {
        /// Nothing is being written; what is gathered is written at the deadline.
        case gathering(deadline: MonotonicInstant?)
        /// A batch is being written, the next one gathers.
        case writing(batch: [Item], attempt: Int)
        /// The write failed and is tried again at the deadline.
        case waiting(batch: [Item], attempt: Int, deadline: MonotonicInstant)
        case drained
    }

    enum Action {
        case nothing
        /// Call `deadlineReached` at the time.
        case wake(at: MonotonicInstant)
        case write([Item])
        /// Nothing is in hand and nothing more will be taken.
        case finish
    }

    private let sizeMax: Int
    private let ageMax: Duration
    private var state: State = .gathering(deadline: nil)
    private var next: [Item] = []
    private var isDraining = false

    init(sizeMax: Int, ageMax: Duration) {
        precondition(sizeMax > 0)
        self.sizeMax = sizeMax
        self.ageMax = ageMax
    }

    /// How many more messages may be asked for.
    var room: Int {
        if self.isDraining { return 0 }
        switch self.state {
        case .gathering, .writing: return max(0, self.sizeMax - self.next.count)
        case .waiting, .drained: return 0
        }
    }

    /// Everything that was taken and not yet settled.
    var inHand: [Item] {
        switch self.state {
        case .gathering, .drained: self.next
        case .writing(let batch, _), .waiting(let batch, _, _): batch + self.next
        }
    }

    var isDrained: Bool {
        if case .drained = self.state { return true }
        return false
    }

    /// Takes a message; while draining it is not taken and comes again to somebody else.
    mutating func received(_ item: Item, now: MonotonicInstant) -> Action {
        guard !self.isDraining else { return .nothing }
        if self.replace(item) { return .nothing }
        self.next.append(item)
        switch self.state {
        case .gathering(let deadline):
            if self.next.count >= self.sizeMax { return self.beginWrite() }
            guard deadline == nil else { return .nothing }
            let due = now + self.ageMax
            self.state = .gathering(deadline: due)
            return .wake(at: due)
        case .writing, .waiting:
            return .nothing
        case .drained:
            preconditionFailure("a message was taken after the end")
        }
    }

    /// True when the message was in hand already.
    private mutating func replace(_ item: Item) -> Bool {
        if let index = self.next.firstIndex(where: { $0.sequence == item.sequence }) {
            self.next[index] = item
            return true
        }
        switch self.state {
        case .gathering, .drained:
            return false
        case .writing(var batch, let attempt):
            guard let index = batch.firstIndex(where: { $0.sequence == item.sequence }) else { return false }
            batch[index] = item
            self.state = .writing(batch: batch, attempt: attempt)
        case .waiting(var batch, let attempt, let deadline):
            guard let index = batch.firstIndex(where: { $0.sequence == item.sequence }) else { return false }
            batch[index] = item
            self.state = .waiting(batch: batch, attempt: attempt, deadline: deadline)
        }
        return true
    }

    mutating func deadlineReached(now: MonotonicInstant) -> Action {
        switch self.state {
        case .gathering(let deadline?):
            guard deadline <= now else { return .wake(at: deadline) }
            return self.beginWrite()
        case .waiting(let batch, let attempt, let deadline):
            guard deadline <= now else { return .wake(at: deadline) }
            self.state = .writing(batch: batch, attempt: attempt + 1)
            return .write(batch)
        case .gathering(nil), .writing, .drained:
            // A timer of a batch that was full before.
            return .nothing
        }
    }

    /// The batch is stored; returns its messages, to be acknowledged, and what to do next.
    mutating func writeSucceeded(now: MonotonicInstant) -> (settled: [Item], action: Action) {
        guard case .writing(let batch, _) = self.state else {
            preconditionFailure("a write succeeded that was not begun")
        }
        self.state = .gathering(deadline: nil)
        if self.next.isEmpty {
            guard self.isDraining else { return (batch, .nothing) }
            self.state = .drained
            return (batch, .finish)
        }
        // They have waited for the write; their age is not counted anew.
        return (batch, self.beginWrite())
    }

    /// The batch is not stored; it stays in hand and is tried again after `delay` of the attempt.
    mutating func writeFailed(now: MonotonicInstant, delay: (_ attempt: Int) -> Duration) -> Action {
        guard case .writing(let batch, let attempt) = self.state else {
            preconditionFailure("a write failed that was not begun")
        }
        let due = now + delay(attempt)
        self.state = .waiting(batch: batch, attempt: attempt, deadline: due)
        return .wake(at: due)
    }

    /// Takes no more; what is in hand is still written.
    mutating func drain() -> Action {
        guard !self.isDraining else { return .nothing }
        self.isDraining = true
        switch self.state {
        case .gathering:
            guard self.next.isEmpty else { return self.beginWrite() }
            self.state = .drained
            return .finish
        case .writing, .waiting, .drained:
            return .nothing
        }
    }

    private mutating func beginWrite() -> Action {
        let batch = self.next
        self.next = []
        self.state = .writing(batch: batch, attempt: 1)
        return .write(batch)
    }
}
