internal import TimingleNet

/// Decides when one loop connects to one node, and how often.
///
/// Loop-confined. No I/O, clock or randomness inside: time and jitter arrive as arguments. Each slot holds one
/// connection; a ScyllaDB node has a slot for each shard. The first connection tells how many slots there are.
struct NodePoolStateMachine: ~Copyable {
    typealias Instant = MonotonicInstant
    typealias ConnectionID = Int

    enum Slot: Equatable {
        case empty
        case connecting(ConnectionID)
        case open(ConnectionID)
    }

    /// What there is of connections.
    struct Members: Equatable {
        fileprivate(set) var slots: [Slot] = [.empty]
        fileprivate var nextID: ConnectionID = 1

        var openCount: Int { self.slots.count { if case .open = $0 { true } else { false } } }
        var connectingCount: Int { self.slots.count { if case .connecting = $0 { true } else { false } } }
    }

    enum Action: Equatable {
        /// Connect, to the shard of that number where the node has shards.
        case connect(ConnectionID, slot: Int)
        case close(ConnectionID)
        /// Come back with `deadlineReached`.
        case wait(until: Instant)
    }

    // A copyable state inside: a release build of Swift 6.3.1 copies a ~Copyable enum whose payload is read, and traps.
    private enum State {
        /// Connections are there or on their way.
        case active(Members, ReconnectBackoff)
        /// An attempt failed; what is open serves meanwhile.
        case pausing(Members, ReconnectBackoff, until: Instant)
        case closed
    }

    private var state: State

    init(backoff: ReconnectBackoff) { self.state = .active(Members(), backoff) }

    var slots: [Slot] {
        switch self.state {
        case .active(let members, _): members.slots
        case .pausing(let members, _, _): members.slots
        case .closed: []
        }
    }

    /// The slot that a connection was made for, or is in.
    func slot(of id: ConnectionID) -> Int? {
        self.slots.firstIndex { $0 == .connecting(id) || $0 == .open(id) }
    }

    var openCount: Int {
        switch self.state {
        case .active(let members, _): members.openCount
        case .pausing(let members, _, _): members.openCount
        case .closed: 0
        }
    }

    /// Failures in a row, up to now; zero while an attempt is under way that nobody can judge yet.
    var failures: Int {
        switch self.state {
        case .active: 0
        case .pausing(_, let backoff, _): backoff.failures
        case .closed: 0
        }
    }

    var isClosed: Bool {
        switch self.state {
        case .active: false
        case .pausing: false
        case .closed: true
        }
    }

    /// Begins.
    mutating func start() -> [Action] {
        switch self.state {
        case .active(var members, let backoff):
            let actions = Self.fill(&members)
            self.state = .active(members, backoff)
            return actions
        case .pausing(let members, let backoff, let until):
            self.state = .pausing(members, backoff, until: until)
            return []
        case .closed:
            self.state = .closed
            return []
        }
    }

    /// A connection is ready; it serves `shard` of `shardCount`.
    mutating func opened(
        _ id: ConnectionID,
        shard: Int,
        shardCount: Int,
        now: Instant,
        jitter: Double
    ) -> [Action] {
        switch self.state {
        case .active(var members, var backoff):
            guard Self.place(id, shard, shardCount, &members) else {
                // The shard has its connection: the port did not reach the shard that was meant (NAT).
                let until = now + backoff.failed(jitter: jitter)
                self.state = .pausing(members, backoff, until: until)
                return [.close(id), .wait(until: until)]
            }
            backoff.succeeded()
            let actions = Self.fill(&members)
            self.state = .active(members, backoff)
            return actions
        case .pausing(var members, let backoff, let until):
            let isPlaced = Self.place(id, shard, shardCount, &members)
            self.state = .pausing(members, backoff, until: until)
            return isPlaced ? [] : [.close(id)]
        case .closed:
            self.state = .closed
            return [.close(id)]
        }
    }

    /// A connection did not come up, or broke.
    ///
    /// The next attempt waits in either case: a node that takes connections and drops them must not be hammered.
    mutating func ended(_ id: ConnectionID, now: Instant, jitter: Double) -> [Action] {
        switch self.state {
        case .active(var members, var backoff):
            guard Self.remove(id, &members) else {
                self.state = .active(members, backoff)
                return []
            }
            let until = now + backoff.failed(jitter: jitter)
            self.state = .pausing(members, backoff, until: until)
            return [.wait(until: until)]
        case .pausing(var members, let backoff, let until):
            // Those that were under way together fail together: one outage counts once.
            _ = Self.remove(id, &members)
            self.state = .pausing(members, backoff, until: until)
            return []
        case .closed:
            self.state = .closed
            return []
        }
    }

    mutating func deadlineReached(now: Instant) -> [Action] {
        switch self.state {
        case .active(let members, let backoff):
            self.state = .active(members, backoff)
            return []
        case .pausing(let members, let backoff, let until) where now < until:
            self.state = .pausing(members, backoff, until: until)
            return [.wait(until: until)]
        case .pausing(var members, let backoff, _):
            let actions = Self.fill(&members)
            self.state = .active(members, backoff)
            return actions
        case .closed:
            self.state = .closed
            return []
        }
    }

    /// The cluster says that the node is up: no reason to wait any longer.
    mutating func reportedUp() -> [Action] {
        switch self.state {
        case .active(let members, let backoff):
            self.state = .active(members, backoff)
            return []
        case .pausing(var members, let backoff, _):
            let actions = Self.fill(&members)
            self.state = .active(members, backoff)
            return actions
        case .closed:
            self.state = .closed
            return []
        }
    }

    mutating func close() -> [Action] {
        switch self.state {
        case .active(let members, _):
            self.state = .closed
            return Self.closeAll(members)
        case .pausing(let members, _, _):
            self.state = .closed
            return Self.closeAll(members)
        case .closed:
            self.state = .closed
            return []
        }
    }

    // MARK: Slots

    private static func closeAll(_ members: Members) -> [Action] {
        members.slots.compactMap { slot in
            switch slot {
            case .empty: nil
            case .connecting(let id), .open(let id): .close(id)
            }
        }
    }

    /// As long as nothing is open, one attempt finds out as much as many.
    private static func fill(_ members: inout Members) -> [Action] {
        let allowed = members.openCount > 0 ? members.slots.count : 1
        var actions: [Action] = []
        for slot in members.slots.indices where members.slots[slot] == .empty {
            guard members.connectingCount < allowed else { break }
            members.slots[slot] = .connecting(members.nextID)
            actions.append(.connect(members.nextID, slot: slot))
            members.nextID += 1
        }
        return actions
    }

    /// Puts a connection where its shard says; false where there is one already.
    private static func place(_ id: ConnectionID, _ shard: Int, _ shardCount: Int, _ members: inout Members) -> Bool {
        guard Self.remove(id, &members) else { return false }
        while members.slots.count < shardCount { members.slots.append(.empty) }
        guard members.slots.indices.contains(shard) else { return false }
        if case .open = members.slots[shard] { return false }
        // An attempt that was under way for this slot will find it taken, and close.
        members.slots[shard] = .open(id)
        return true
    }

    private static func remove(_ id: ConnectionID, _ members: inout Members) -> Bool {
        guard let slot = members.slots.firstIndex(where: { $0 == .connecting(id) || $0 == .open(id) }) else {
            return false
        }
        members.slots[slot] = .empty
        return true
    }
}
