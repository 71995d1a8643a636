package import TimingleCore
package import TimingleNet

/// `HistoryStore` in memory; fails as it is told.
package final class MemoryHistoryStore: HistoryStore {
    private let state = Locked<(entries: [ChangeID: HistoryEntry], failures: Int)>(([:], 0))

    package init() {}

    package func failNext(_ count: Int) { self.state.withLock { $0.failures = count } }

    package func append(_ entries: [HistoryEntry]) async throws(StoreError) {
        let error = self.state.withLock { state -> StoreError? in
            if state.failures > 0 {
                state.failures -= 1
                return .unavailable("scripted")
            }
            for entry in entries where state.entries[entry.changeID] == nil { state.entries[entry.changeID] = entry }
            return nil
        }
        if let error { throw error }
    }

    package func page(
        event: EventID,
        before cursor: (changedAt: Timestamp, changeID: ChangeID)?,
        limit: Int
    ) async throws(StoreError) -> [HistoryEntry] {
        self.state.withLock { state in
            let all = state.entries.values.filter { $0.eventID == event }
                .sorted { ($0.changedAt, $0.changeID) > ($1.changedAt, $1.changeID) }
            let rest = cursor.map { cursor in all.filter { ($0.changedAt, $0.changeID) < cursor } } ?? all
            return Array(rest.prefix(limit))
        }
    }
}

/// `OutboxStore` in memory.
package final class MemoryOutboxStore: OutboxStore {
    private let state = Locked<(waiting: [EventChange], failures: Int, batchCounts: [Int])>(([], 0, []))

    package init() {}

    package func add(_ change: EventChange) { self.state.withLock { $0.waiting.append(change) } }

    package func failNext(_ count: Int) { self.state.withLock { $0.failures = count } }

    /// How many were published in each batch.
    package var batchCounts: [Int] { self.state.withLock { $0.batchCounts } }

    package func relay(
        limit: Int,
        _ publish: @Sendable ([EventChange]) async -> Set<ChangeID>
    ) async throws(StoreError) -> Int? {
        let claimed: [EventChange]? = self.state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                return nil
            }
            return Array(state.waiting.prefix(limit))
        }
        guard let claimed else { throw .unavailable("scripted") }
        let done = await publish(claimed)
        self.state.withLock { state in
            state.waiting.removeAll { done.contains($0.id) }
            state.batchCounts.append(done.count)
        }
        return done.count
    }

    package func backlog() async throws(StoreError) -> Int64 { self.state.withLock { Int64($0.waiting.count) } }
}

/// Who is what to which event, and how far rooms and readers are.
package final class MemoryRooms: EventAccessStore, RoomMarkStore {
    private struct Key: Hashable {
        let event: EventID
        let user: UserID
    }

    private struct State {
        var access: [Key: EventAccess] = [:]
        var events: Set<EventID> = []
        var positions: [EventID: RoomPosition] = [:]
        var marks: [Key: Int64] = [:]
        var batches: [[ReadMark]] = []
        var failures = 0
        var isAway = false
    }

    private let state = Locked(State())

    package init() {}

    /// Whether nobody is told how far a room is.
    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        guard !self.isAway else { throw .unavailable("scripted") }
        return self.position(event)
    }

    package func set(_ event: EventID, _ user: UserID, _ membership: Membership, status: EventStatus = .confirmed) {
        self.state.withLock { state in
            state.events.insert(event)
            state.access[Key(event: event, user: user)] = EventAccess(status: status, membership: membership)
        }
    }

    package func position(_ event: EventID) -> RoomPosition? { self.state.withLock { $0.positions[event] } }

    /// What each call that marks many was given.
    package var markBatches: [[ReadMark]] { self.state.withLock { $0.batches } }

    /// Lets the next calls that mark many fail.
    package func failNextMarks(_ count: Int) { self.state.withLock { $0.failures = count } }

    package func mark(_ event: EventID, _ user: UserID) -> Int64? {
        self.state.withLock { $0.marks[Key(event: event, user: user)] }
    }

    package func access(event: EventID, user: UserID) async throws(StoreError) -> EventAccess? {
        self.state.withLock { state in
            guard state.events.contains(event) else { return nil }
            return state.access[Key(event: event, user: user)] ?? EventAccess(status: .confirmed, membership: .stranger)
        }
    }

    package func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError) {
        self.state.withLock { state in
            for (event, position) in positions where position.seq > state.positions[event]?.seq ?? 0 {
                state.positions[event] = position
            }
            for mark in marks { Self.rise(mark, &state) }
        }
    }

    package func markRead(event: EventID, user: UserID, seq: Int64, ordinal: Int64) async throws(StoreError) {
        self.state.withLock { state in
            Self.rise(ReadMark(eventID: event, userID: user, seq: seq, ordinal: ordinal), &state)
        }
    }

    package func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark] {
        let others: [ReadMark]? = self.state.withLock { state in
            state.batches.append(marks)
            if state.failures > 0 {
                state.failures -= 1
                return nil
            }
            return marks.filter { mark in
                let access = state.access[Key(event: mark.eventID, user: mark.userID)]
                guard access?.membership.isMember == true else { return true }
                Self.rise(mark, &state)
                return false
            }
        }
        guard let others else { throw .unavailable("scripted") }
        return others
    }

    private static func rise(_ mark: ReadMark, _ state: inout State) {
        let key = Key(event: mark.eventID, user: mark.userID)
        state.marks[key] = max(state.marks[key] ?? 0, mark.seq)
    }
}

/// Rooms without sockets: keeps what was published, and hands it to the peers that are in.
package final class MemoryAudience: RoomAudience {
    private struct State {
        var frames: [Int64: [String]] = [:]
        var peers: [Int64: [MemoryPeer]] = [:]
        var counts = 0
    }

    private let state = Locked(State())

    package init() {}

    package func frames(_ room: Int64) -> [String] { self.state.withLock { $0.frames[room, default: []] } }

    package func publish(text: [UInt8], to room: Int64) {
        let text = String(decoding: text, as: UTF8.self)
        let peers = self.state.withLock { state in
            state.frames[room, default: []].append(text)
            return state.peers[room, default: []]
        }
        for peer in peers { peer.loop.execute { peer.deliver(text, in: room) } }
    }

    package func memberCount(room: Int64) -> Int {
        self.state.withLock { state in
            state.counts += 1
            return state.peers[room, default: []].count
        }
    }

    /// How often members were counted.
    package var countsTaken: Int { self.state.withLock { $0.counts } }

    package func peer(for socket: WebSocketConnection) -> any ChatPeer {
        preconditionFailure("this audience has no sockets")
    }

    fileprivate func join(_ room: Int64, _ peer: MemoryPeer) {
        self.state.withLock { $0.peers[room, default: []].append(peer) }
    }

    fileprivate func leave(_ room: Int64, _ peer: MemoryPeer) {
        self.state.withLock { $0.peers[room]?.removeAll { $0 === peer } }
    }
}

/// A chat client without a socket.
///
/// Any thread, for the tests' sake.
package final class MemoryPeer: ChatPeer, Sendable {
    package let loop: EventLoop
    private let audience: MemoryAudience
    private let state = Locked<(frames: [String], room: Int64?, closed: UInt16?)>(([], nil, nil))

    package init(loop: EventLoop, audience: MemoryAudience) {
        self.loop = loop
        self.audience = audience
    }

    package var frames: [String] { self.state.withLock { $0.frames } }
    package var closedWith: UInt16? { self.state.withLock { $0.closed } }
    package var isIn: Bool { self.state.withLock { $0.room != nil } }

    package func send(_ frame: BroadcastFrame) { self.state.withLock { $0.frames.append(frame.payloadText) } }

    package func close(_ code: WebSocketCloseCode, reason: String) { self.state.withLock { $0.closed = code.rawValue } }

    package func join(room: Int64) {
        self.state.withLock { $0.room = room }
        self.audience.join(room, self)
    }

    package func leave() {
        let room = self.state.withLock { state in
            defer { state.room = nil }
            return state.room
        }
        if let room { self.audience.leave(room, self) }
    }

    fileprivate func deliver(_ text: String, in room: Int64) {
        self.state.withLock { state in
            if state.room == room { state.frames.append(text) }
        }
    }
}

extension BroadcastFrame {
    /// The text behind the frame's header.
    package var payloadText: String {
        let header = self.bytes[1] < 126 ? 2 : self.bytes[1] == 126 ? 4 : 10
        return String(decoding: self.bytes.dropFirst(header), as: UTF8.self)
    }
}
