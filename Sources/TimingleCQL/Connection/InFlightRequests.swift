internal import TimingleNet

/// Who waits on which stream, and which streams nobody waits on any more (orphans).
///
/// Loop-confined. A stream that was given up stays taken until its answer comes: the server would send that to whoever
/// had the stream next. No clock inside: time arrives as an argument.
struct InFlightRequests {
    typealias Completion = (Result<CQLResponse, CQLError>) -> Void

    /// A request that was sent.
    struct Waiter {
        let deadline: MonotonicInstant
        let sentAt: MonotonicInstant
        /// The columns that the answer's rows will have, as far as anybody knows.
        let known: CQLResultMetadata?
        let completion: Completion
    }

    /// What an answer meets.
    enum Owner {
        case waiter(Waiter)
        case orphan
        /// The server answers what was never asked.
        case nobody
    }

    private enum Slot {
        case free
        case waiting(Waiter)
        case orphaned(since: MonotonicInstant)
    }

    private var streams: StreamIDAllocator
    private var slots: [Slot] = []
    /// Of each slot, how many times it was used: tells a ticket of an earlier request from the present one.
    private var generations: [UInt32] = []
    private(set) var orphanCount = 0
    /// No later than the earliest deadline; the past ones are found by `expire`.
    private(set) var nextDeadline: MonotonicInstant?

    init(limit: Int = StreamIDAllocator.all) { self.streams = StreamIDAllocator(limit: limit) }

    var waiterCount: Int { self.streams.takenCount - self.orphanCount }
    var isFull: Bool { self.streams.isFull }

    /// Nil when all streams are taken.
    mutating func add(_ waiter: Waiter) -> CQLTicket? {
        guard let stream = self.streams.take() else { return nil }
        let index = Int(stream)
        if index == self.slots.count {
            self.slots.append(.free)
            self.generations.append(0)
        }
        self.slots[index] = .waiting(waiter)
        self.generations[index] &+= 1
        if self.nextDeadline.map({ waiter.deadline < $0 }) ?? true { self.nextDeadline = waiter.deadline }
        return CQLTicket(stream: stream, generation: self.generations[index])
    }

    /// The columns that whoever waits on `stream` knows.
    func known(_ stream: Int16) -> CQLResultMetadata? {
        guard stream >= 0, Int(stream) < self.slots.count, case .waiting(let waiter) = self.slots[Int(stream)] else {
            return nil
        }
        return waiter.known
    }

    /// Frees the stream that an answer came on.
    mutating func answered(_ stream: Int16) -> Owner {
        let index = Int(stream)
        guard stream >= 0, index < self.slots.count else { return .nobody }
        let owner: Owner
        switch self.slots[index] {
        case .free:
            return .nobody
        case .waiting(let waiter):
            owner = .waiter(waiter)
        case .orphaned:
            self.orphanCount -= 1
            owner = .orphan
        }
        self.slots[index] = .free
        self.streams.giveBack(stream)
        return owner
    }

    /// Takes back a request that was not sent after all.
    mutating func withdraw(_ ticket: CQLTicket) {
        guard case .waiter = self.answered(ticket.stream) else {
            preconditionFailure("a request was withdrawn that nobody waits for")
        }
    }

    /// Gives the request up: its stream is an orphan from now on; nil where it is answered, or given up, already.
    mutating func orphan(_ ticket: CQLTicket, now: MonotonicInstant) -> Waiter? {
        let index = Int(ticket.stream)
        guard index < self.slots.count, self.generations[index] == ticket.generation,
            case .waiting(let waiter) = self.slots[index]
        else { return nil }
        self.slots[index] = .orphaned(since: now)
        self.orphanCount += 1
        return waiter
    }

    /// Gives up all requests whose deadline is not after `now`, and looks for the next deadline.
    mutating func expire(now: MonotonicInstant) -> [Waiter] {
        var expired: [Waiter] = []
        var next: MonotonicInstant?
        for index in self.slots.indices {
            guard case .waiting(let waiter) = self.slots[index] else { continue }
            if waiter.deadline <= now {
                self.slots[index] = .orphaned(since: now)
                self.orphanCount += 1
                expired.append(waiter)
            } else if next.map({ waiter.deadline < $0 }) ?? true {
                next = waiter.deadline
            }
        }
        self.nextDeadline = next
        return expired
    }

    /// How many streams were given up before `instant` and are still not answered.
    func orphans(before instant: MonotonicInstant) -> Int {
        guard self.orphanCount > 0 else { return 0 }
        return self.slots.count { slot in
            if case .orphaned(let since) = slot { since < instant } else { false }
        }
    }

    /// Ends it all, and returns who waits, in the order of their streams.
    mutating func removeAll() -> [Waiter] {
        var waiters: [Waiter] = []
        for index in self.slots.indices {
            if case .waiting(let waiter) = self.slots[index] { waiters.append(waiter) }
            if case .free = self.slots[index] { continue }
            self.slots[index] = .free
            self.streams.giveBack(Int16(index))
        }
        self.orphanCount = 0
        self.nextDeadline = nil
        return waiters
    }
}

/// Names one request of one connection, so that it can be given up.
///
/// A value.
package struct CQLTicket: Hashable, Sendable {
    let stream: Int16
    let generation: UInt32
}
