/// What a room sends to.
///
/// Loop-confined.
protocol RoomMember: AnyObject {
    /// Takes one publication; must not wait.
    func deliver(_ frame: BroadcastFrame)
}

extension WebSocketConnection: RoomMember {
    /// A member that is too slow closes itself with 1013 and leaves the room later, from the loop.
    func deliver(_ frame: BroadcastFrame) { self.sendNow(frame) }
}

/// Names one stay of one member in one room; a later stay has another generation.
///
/// Immutable.
package struct RoomMembership: Hashable, Sendable {
    package let room: Int64
    let loopIndex: Int
    let slot: Int
    let generation: UInt64
    /// The member counts among those for whom publications are compressed.
    var compresses = false
}

/// One loop's members by room, and what was published to them in this turn.
///
/// Loop-confined. Publications to one room in one turn leave as one chunk: a burst costs each member one write.
final class RoomShard<Member: RoomMember>: TurnEndHandler {
    /// What became of a leave.
    enum LeaveResult: Equatable {
        /// The stay had ended before.
        case unknown
        case left(roomIsEmpty: Bool)
    }

    private let loopIndex: Int
    /// Sees to it that `turnEnded` is called in the end.
    private let askForTurnEnd: (any TurnEndHandler) -> Void
    private var rooms: [Int64: Room] = [:]
    /// Rooms that have something to hand out at the end of the turn.
    private var dirtyRooms: [Room] = []
    /// The room that was published to last in this turn.
    private var latestRoom: Room?
    private var runningRooms: [Room] = []
    /// Unique in the shard, also across rooms that were emptied and made anew.
    private var generation: UInt64 = 0

    init(loopIndex: Int, askForTurnEnd: @escaping (any TurnEndHandler) -> Void) {
        self.loopIndex = loopIndex
        self.askForTurnEnd = askForTurnEnd
    }

    var roomCount: Int { self.rooms.count }

    func memberCount(room: Int64) -> Int { self.rooms[room]?.count ?? 0 }

    /// Adds a stay.
    ///
    /// `presence` is the room's over all loops; the same as long as the room has members.
    func join(room: Int64, _ member: Member, presence: RoomPresence) -> RoomMembership {
        self.generation += 1
        let place: Room
        if let existing = self.rooms[room] {
            place = existing
            // What was published before is for those who were there.
            place.deliver()
        } else {
            place = Room(id: room, presence: presence)
            self.rooms[room] = place
        }
        let slot = place.add(member, generation: self.generation)
        return RoomMembership(room: room, loopIndex: self.loopIndex, slot: slot, generation: self.generation)
    }

    /// Ends a stay; one that has ended already changes nothing.
    func leave(_ membership: RoomMembership) -> LeaveResult {
        precondition(membership.loopIndex == self.loopIndex, "a membership was ended on another loop")
        guard
            let room = self.rooms[membership.room],
            room.remove(slot: membership.slot, generation: membership.generation)
        else { return .unknown }
        guard room.count == 0 else { return .left(roomIsEmpty: false) }
        // A delivery that is under way keeps its room object; it holds no member any more.
        self.rooms[membership.room] = nil
        return .left(roomIsEmpty: true)
    }

    /// Keeps the frame for the end of the turn, for whoever is a member then.
    ///
    /// Returns the loops that have members; nil when this one has none.
    func enqueue(_ frame: BroadcastFrame, room id: Int64) -> RoomPresence.LoopSet? {
        // Messages that were read together are mostly for one room.
        if let latest = self.latestRoom, latest.id == id, latest.batchGrows {
            _ = latest.enqueue(frame)
            return latest.presence.loops
        }
        guard let room = self.rooms[id] else { return nil }
        if room.enqueue(frame) {
            if self.dirtyRooms.isEmpty { self.askForTurnEnd(self) }
            self.dirtyRooms.append(room)
            self.latestRoom = room
        }
        return room.presence.loops
    }

    /// Hands out what was kept, in no particular order of members.
    ///
    /// Members may leave and join meanwhile: who has left gets nothing, who joins gets what is published next.
    func turnEnded() {
        self.latestRoom = nil
        swap(&self.dirtyRooms, &self.runningRooms)
        for room in self.runningRooms { room.deliver() }
        self.runningRooms.removeAll(keepingCapacity: true)
    }

    /// The members of one room in a compact array, and slots by which a stay finds its place in O(1).
    private final class Room {
        private struct Slot {
            var generation: UInt64
            var position: Int
        }

        /// A batch that has grown beyond this is followed by another.
        private static var batchBytesMax: Int { 64 * 1024 }

        let id: Int64
        let presence: RoomPresence
        /// What this turn brought: full batches, and the one that grows.
        private var fullBatches: [BroadcastFrame] = []
        private var batch: BroadcastFrame?
        /// nil only while a delivery is under way.
        private var members: [Member?] = []
        /// The slot of the member in the same place.
        private var slotOfPosition: [Int] = []
        private var slots: [Slot] = []
        private var freeSlots: [Int] = []
        private var deliveries = 0
        private var holes = 0

        init(id: Int64, presence: RoomPresence) {
            self.id = id
            self.presence = presence
        }

        /// True between a turn's first publication and its delivery.
        var batchGrows: Bool { self.batch != nil }

        var count: Int { self.members.count - self.holes }

        /// Says whether this is the turn's first.
        func enqueue(_ frame: BroadcastFrame) -> Bool {
            guard let batch = self.batch else {
                self.batch = frame
                return true
            }
            if batch.bytes.count + frame.bytes.count > Self.batchBytesMax {
                self.fullBatches.append(batch)
                self.batch = frame
            } else {
                self.batch?.append(frame)
            }
            return false
        }

        func deliver() {
            if !self.fullBatches.isEmpty {
                let batches = self.fullBatches
                self.fullBatches = []
                for batch in batches { self.deliver(batch) }
            }
            guard let batch = self.batch else { return }
            self.batch = nil
            self.deliver(batch)
        }

        func add(_ member: Member, generation: UInt64) -> Int {
            let slot: Int
            if let free = self.freeSlots.popLast() {
                slot = free
                self.slots[slot] = Slot(generation: generation, position: self.members.count)
            } else {
                slot = self.slots.count
                self.slots.append(Slot(generation: generation, position: self.members.count))
            }
            self.members.append(member)
            self.slotOfPosition.append(slot)
            return slot
        }

        func remove(slot: Int, generation: UInt64) -> Bool {
            guard slot < self.slots.count, self.slots[slot].generation == generation else { return false }
            let position = self.slots[slot].position
            // No stay has generation 0.
            self.slots[slot].generation = 0
            self.freeSlots.append(slot)
            if self.deliveries > 0 {
                self.members[position] = nil
                self.holes += 1
            } else {
                self.fill(position)
            }
            return true
        }

        private func deliver(_ frame: BroadcastFrame) {
            self.deliveries += 1
            // The count is taken once: who joins meanwhile stands behind it.
            for position in 0..<self.members.count {
                self.members[position]?.deliver(frame)
            }
            self.deliveries -= 1
            if self.deliveries == 0, self.holes > 0 { self.compact() }
        }

        /// Moves the last member into the place of one that has left.
        private func fill(_ position: Int) {
            let last = self.members.count - 1
            if position < last {
                self.members.swapAt(position, last)
                self.slotOfPosition.swapAt(position, last)
                self.slots[self.slotOfPosition[position]].position = position
            }
            self.members.removeLast()
            self.slotOfPosition.removeLast()
        }

        private func compact() {
            self.holes = 0
            for position in stride(from: self.members.count - 1, through: 0, by: -1)
            where self.members[position] == nil {
                self.fill(position)
            }
        }
    }
}
