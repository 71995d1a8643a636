/// What a room sends to.
///
/// Loop-confined.
protocol RoomMember: AnyObject {
    /// Takes one publication; must not wait.
    func deliver(_ frame: BroadcastFrame)
    /// Something was lost on the way to this member: it has to come again.
    func missed()
}

extension WebSocketConnection: RoomMember {
    /// A member that is too slow closes itself with 1013 and leaves the room later, from the loop.
    func deliver(_ frame: BroadcastFrame) { self.sendNow(frame) }

    func missed() { self.partAsTooSlow() }
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
final class RoomShard<Member: RoomMember> {
    /// What became of a leave.
    enum LeaveResult: Equatable {
        /// The stay had ended before.
        case unknown
        case left(roomIsEmpty: Bool)
    }

    private let loopIndex: Int
    /// Sees to it that `turnEnded` is called in the end.
    private let askForTurnEnd: (RoomShard) -> Void
    private var rooms: [Int64: Room] = [:]
    /// Rooms that have something to hand out at the end of the turn; the latest one comes to them when it is settled.
    private var dirtyRooms: [Room] = []
    private var turnEndAsked = false
    /// The room that was published to last in this turn, for messages that were read together are mostly for one room.
    private var latestRoom: Room?
    private var latestID: Int64 = 0
    /// What it is to be sent: it grows here, so that a message costs no counting of the room's references.
    private var latestBatch: BroadcastFrame?
    private var runningRooms: [Room] = []
    /// Memory of small batches that were handed out, for those to come.
    private var spareBytes: [[UInt8]] = []
    /// Unique in the shard, also across rooms that were emptied and made anew.
    private var generation: UInt64 = 0

    init(loopIndex: Int, askForTurnEnd: @escaping (RoomShard) -> Void) {
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
            self.settle()
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
        // Who comes next makes another room of that name.
        self.settle()
        // A delivery that is under way keeps its room object; it holds no member any more.
        self.rooms[membership.room] = nil
        return .left(roomIsEmpty: true)
    }

    /// Keeps the frame for the end of the turn, for whoever is a member then.
    ///
    /// Returns the loops that have members; nil when this one has none.
    func enqueue(_ frame: BroadcastFrame, room id: Int64) -> RoomPresence.LoopSet? {
        if self.latestRoom == nil || self.latestID != id {
            guard let room = self.rooms[id] else { return nil }
            self.turn(to: room)
        }
        if let count = self.latestBatch?.bytes.count {
            if count + frame.bytes.count > Self.batchBytesMax {
                self.endBatch(before: frame)
            } else {
                self.latestBatch?.append(frame)
            }
        } else {
            self.latestBatch = frame
        }
        return self.latestRoom?.presence.loops
    }

    /// Keeps a text for the end of the turn where all members of the room are here; false, and nothing is kept, else.
    ///
    /// It is encoded straight behind what the turn has brought already.
    func enqueue(text: Span<UInt8>, room id: Int64) -> Bool {
        if self.latestRoom == nil || self.latestID != id {
            guard let room = self.rooms[id] else { return false }
            self.turn(to: room)
        }
        guard self.latestRoom?.presence.loops == RoomPresence.LoopSet(only: self.loopIndex) else { return false }
        if let count = self.latestBatch?.bytes.count {
            if count + WebSocketFrameEncoder.headBytes(text.count) + text.count > Self.batchBytesMax {
                self.endBatch(before: BroadcastFrame(text: text))
            } else {
                self.latestBatch?.append(text: text)
            }
        } else {
            self.latestBatch = BroadcastFrame(text: text, in: self.spareBytes.popLast() ?? [])
        }
        return true
    }

    /// Tells all members of a room that they missed something, behind what was kept for them.
    func partFromAll(room id: Int64) {
        guard let room = self.rooms[id] else { return }
        self.settle()
        room.deliver()
        room.tellAll { $0.missed() }
    }

    /// Makes `room` the one that is published to.
    private func turn(to room: Room) {
        self.settle()
        self.latestRoom = room
        self.latestID = room.id
        self.latestBatch = room.takeBatch()
        guard !self.turnEndAsked else { return }
        self.turnEndAsked = true
        self.askForTurnEnd(self)
    }

    /// Gives the latest room what was published to it.
    private func settle() {
        // Taken out and put in, never copied: no reference is counted.
        guard let room = self.latestRoom.take() else { return }
        swap(&room.batch, &self.latestBatch)
        guard !room.isDirty else { return }
        room.isDirty = true
        self.dirtyRooms.append(room)
    }

    // No copy of the batch may be about while it grows: its bytes would be copied.
    private func endBatch(before frame: BroadcastFrame) {
        if let batch = self.latestBatch { self.latestRoom?.fullBatches.append(batch) }
        self.latestBatch = frame
    }

    /// A batch that has grown beyond this is followed by another.
    private static var batchBytesMax: Int { 64 * 1024 }

    /// Hands out what was kept, in no particular order of members.
    ///
    /// Members may leave and join meanwhile: who has left gets nothing, who joins gets what is published next.
    func turnEnded() {
        self.turnEndAsked = false
        self.settle()
        swap(&self.dirtyRooms, &self.runningRooms)
        for room in self.runningRooms {
            room.isDirty = false
            if let batch = room.deliver() { self.keep(batch) }
        }
        self.runningRooms.removeAll(keepingCapacity: true)
    }

    /// Keeps the memory of a batch that was handed out; where an outbox still has it, the next user gets other memory.
    private func keep(_ batch: consuming BroadcastFrame) {
        guard self.spareBytes.count < Self.spareCount, batch.bytes.capacity <= Self.spareBytesMax else { return }
        var batch = batch
        self.spareBytes.append(batch.takeMemory())
    }

    private static var spareCount: Int { 64 }
    /// A batch of several messages has grown to 4 KiB at least.
    private static var spareBytesMax: Int { 8 * 1024 }

    /// The members of one room in a compact array, and slots by which a stay finds its place in O(1).
    private final class Room {
        private struct Slot {
            var generation: UInt64
            var position: Int
        }

        let id: Int64
        let presence: RoomPresence
        /// What this turn brought: full batches, and the one that grows.
        var fullBatches: [BroadcastFrame] = []
        var batch: BroadcastFrame?
        /// True between a turn's first publication and its delivery at the turn's end.
        var isDirty = false
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

        func takeBatch() -> BroadcastFrame? {
            var batch: BroadcastFrame?
            swap(&batch, &self.batch)
            return batch
        }

        var count: Int { self.members.count - self.holes }

        /// Hands out what was kept; returns the last batch, of which nothing is needed any more.
        @discardableResult
        func deliver() -> BroadcastFrame? {
            if !self.fullBatches.isEmpty {
                let batches = self.fullBatches
                self.fullBatches = []
                for batch in batches { self.deliver(batch) }
            }
            guard let batch = self.takeBatch() else { return nil }
            self.deliver(batch)
            return batch
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

        private func deliver(_ frame: BroadcastFrame) { self.tellAll { $0.deliver(frame) } }

        @inline(__always)
        func tellAll(_ tell: (Member) -> Void) {
            self.deliveries += 1
            // The count is taken once: who joins meanwhile stands behind it.
            for position in 0..<self.members.count {
                if let member = self.members[position] { tell(member) }
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
