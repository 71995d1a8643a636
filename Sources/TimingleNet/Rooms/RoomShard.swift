/// What a room sends to.
///
/// Loop-confined.
protocol RoomMember: AnyObject {
    /// Takes one publication; must not wait. It may ask the frame to `share` its bytes.
    func deliver(_ frame: inout BroadcastFrame)
    /// Something was lost on the way to this member: it has to come again.
    func missed()
}

extension WebSocketConnection: RoomMember {
    /// A member that is too slow closes itself with 1013 and leaves the room later, from the loop.
    func deliver(_ frame: inout BroadcastFrame) { self.sendNow(&frame) }

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
    /// This loop alone.
    private let here: RoomPresence.LoopSet
    /// Sees to it that `turnEnded` is called in the end.
    private let askForTurnEnd: (RoomShard) -> Void
    private var rooms: [Int64: Room] = [:]
    /// Rooms that were looked for lately, each at the place that its name's low bits tell: a dictionary hashes long.
    private var recent = [Recent](repeating: Recent(id: 0, room: nil), count: RoomShard.recentCount)
    // SAFETY: of all `Unmanaged<Room>`: what they refer to is in `rooms` or, while it is dirty or a turn's end is under
    // way, in `endedRooms`. `leave` and `turnEnded`, which alone take rooms out, see to it; RoomShardModelTests has
    // rooms end at all times.
    /// Rooms that have something to hand out at the end of the turn, each tells the next.
    private var firstDirty: Unmanaged<Room>?
    private var lastDirty: Unmanaged<Room>?
    private var turnEndAsked = false
    /// Calls of `turnEnded` that are under way.
    private var turnEnds = 0
    /// Rooms without members that something may still refer to.
    private var endedRooms: [Room] = []
    /// Small rooms without members, for those to come: people come and go one by one.
    private var spareRooms: [Room] = []
    /// Memory of small batches that were handed out, for those to come; the first `spareCount` have some.
    private var spareMemory = [[UInt8]](repeating: [], count: RoomShard.spareCountMax)
    private var spareCount = 0
    /// Unique in the shard, also across rooms that were emptied and made anew.
    private var generation: UInt64 = 0

    private struct Recent {
        var id: Int64
        var room: Unmanaged<Room>?
    }

    private static var recentCount: Int { 256 }
    private static var spareCountMax: Int { 64 }
    private static var spareRoomsMax: Int { 64 }
    /// A batch of several messages has grown to 4 KiB at least.
    private static var spareBytesMax: Int { 8 * 1024 }

    init(loopIndex: Int, askForTurnEnd: @escaping (RoomShard) -> Void) {
        self.loopIndex = loopIndex
        self.here = RoomPresence.LoopSet(only: loopIndex)
        self.askForTurnEnd = askForTurnEnd
    }

    var roomCount: Int { self.rooms.count }

    func memberCount(room: Int64) -> Int { self.rooms[room]?.count ?? 0 }

    /// Adds a stay.
    ///
    /// `presence` is the room's over all loops; the same as long as the room has members.
    func join(room: Int64, _ member: Member, presence: RoomPresence) -> RoomMembership {
        self.generation += 1
        // What was published before is for those who were there.
        self.rooms[room]?.deliver()
        let place: Room
        // The last of them may have left over it.
        if let existing = self.rooms[room] {
            place = existing
        } else {
            place = self.spareRooms.popLast() ?? Room()
            place.presence = presence
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
        self.rooms[membership.room] = nil
        self.recent[Self.recentPlace(membership.room)].room = nil
        // What it has to hand out, or just hands out, reaches nobody any more.
        if room.isDirty || self.turnEnds > 0 {
            self.endedRooms.append(room)
        } else if self.spareRooms.count < Self.spareRoomsMax, room.beginAnew() {
            self.spareRooms.append(room)
        }
        return .left(roomIsEmpty: true)
    }

    /// Keeps the frame for the end of the turn, for whoever is a member then.
    ///
    /// Returns the loops that have members; nil when this one has none.
    func enqueue(_ frame: BroadcastFrame, room id: Int64) -> RoomPresence.LoopSet? {
        self.find(id)?._withUnsafeGuaranteedRef { room in
            self.noteDirty(room)
            if room.batch.isEmpty {
                room.batch = frame
            } else if room.batch.count + frame.count > Room.batchBytesMax {
                room.endBatch(before: frame)
            } else {
                room.batch.append(frame)
            }
            return room.presence.loops
        }
    }

    /// Keeps a text for the end of the turn where all members of the room are here; false, and nothing is kept, else.
    ///
    /// It is encoded straight behind what the turn has brought already.
    func enqueue(text: Span<UInt8>, room id: Int64) -> Bool {
        guard let room = self.find(id) else { return false }
        return room._withUnsafeGuaranteedRef { room in
            guard room.presence.loops == self.here else { return false }
            self.noteDirty(room)
            if room.batch.isEmpty {
                self.giveSpareMemory(to: &room.batch)
            } else if room.batch.count + WebSocketFrameEncoder.headBytes(text.count) + text.count > Room.batchBytesMax {
                room.endBatch(before: BroadcastFrame(in: []))
            }
            room.batch.append(text: text)
            return true
        }
    }

    /// Tells all members of a room that they missed something, behind what was kept for them.
    func partFromAll(room id: Int64) {
        guard let room = self.rooms[id] else { return }
        room.deliver()
        room.tellAll { $0.missed() }
    }

    @inline(__always)
    private static func recentPlace(_ id: Int64) -> Int { Int(truncatingIfNeeded: id) & (self.recentCount - 1) }

    @inline(__always)
    private func find(_ id: Int64) -> Unmanaged<Room>? {
        let recent = self.recent[Self.recentPlace(id)]
        if recent.id == id, let room = recent.room { return room }
        return self.lookUp(id)
    }

    @inline(never)
    private func lookUp(_ id: Int64) -> Unmanaged<Room>? {
        guard let room = self.rooms[id] else { return nil }
        let found = Unmanaged.passUnretained(room)
        self.recent[Self.recentPlace(id)] = Recent(id: id, room: found)
        return found
    }

    /// Puts the room behind those that have something to hand out.
    @inline(__always)
    private func noteDirty(_ room: Room) {
        guard !room.isDirty else { return }
        room.isDirty = true
        let reference = Unmanaged.passUnretained(room)
        if let last = self.lastDirty {
            last._withUnsafeGuaranteedRef { $0.nextDirty = reference }
        } else {
            self.firstDirty = reference
        }
        self.lastDirty = reference
        guard !self.turnEndAsked else { return }
        self.turnEndAsked = true
        self.askForTurnEnd(self)
    }

    /// Hands out what was kept, in no particular order of members.
    ///
    /// Members may leave and join meanwhile: who has left gets nothing, who joins gets what is published next.
    func turnEnded() {
        self.turnEndAsked = false
        self.turnEnds += 1
        var next = self.firstDirty
        self.firstDirty = nil
        self.lastDirty = nil
        var batch = BroadcastFrame(in: [])
        while let room = next {
            room._withUnsafeGuaranteedRef { room in
                next = room.nextDirty
                room.nextDirty = nil
                room.isDirty = false
                room.deliver(by: &batch)
            }
            if !batch.isEmpty { self.takeMemory(of: &batch) }
        }
        self.turnEnds -= 1
        guard self.turnEnds == 0, !self.endedRooms.isEmpty else { return }
        // One that was published to inside of a delivery, and then ended, is on the list of the next turn.
        self.endedRooms.removeAll { !$0.isDirty }
    }

    /// Keeps the memory of a batch that was handed out, unless an outbox still has it; the batch is empty afterwards.
    @inline(__always)
    private func takeMemory(of batch: inout BroadcastFrame) {
        guard !batch.isShared, self.spareCount < Self.spareCountMax, batch.memoryBytes <= Self.spareBytesMax else {
            batch = BroadcastFrame(in: [])
            return
        }
        batch.begin(in: &self.spareMemory[self.spareCount])
        self.spareCount += 1
    }

    @inline(__always)
    private func giveSpareMemory(to batch: inout BroadcastFrame) {
        guard self.spareCount > 0 else { return }
        self.spareCount -= 1
        batch.begin(in: &self.spareMemory[self.spareCount])
    }

    /// The members of one room in a compact array, and slots by which a stay finds its place in O(1).
    private final class Room {
        private struct Slot {
            var generation: UInt64
            var position: Int
        }

        var presence = RoomPresence.nobody
        /// What this turn brought: full batches, and the one that grows.
        var fullBatches: [BroadcastFrame] = []
        var batch = BroadcastFrame(in: [])
        /// True between a turn's first publication and its delivery at the turn's end.
        var isDirty = false
        /// What is handed out behind it; see `RoomShard.firstDirty`.
        var nextDirty: Unmanaged<Room>?
        // SAFETY: each place owns one reference; `deinit`, `fill` and `compact` give it back. Who leaves inside of a
        // delivery keeps its place until that is over, so nobody is let go in the middle of its own call.
        private var members: [Unmanaged<Member>] = []
        /// The slot of the member in the same place; -1 for one that has left.
        private var slotOfPosition: [Int] = []
        private var slots: [Slot] = []
        private var freeSlots: [Int] = []
        private var deliveries = 0
        private var holes = 0

        /// A batch that has grown beyond this is followed by another.
        static var batchBytesMax: Int { 64 * 1024 }

        /// A room that was larger gives its memory back when it ends.
        private static var spareSlotsMax: Int { 16 }

        /// Makes a room without members as if it were new; false where it cannot be.
        func beginAnew() -> Bool {
            guard self.deliveries == 0, self.holes == 0, self.slots.count <= Self.spareSlotsMax else { return false }
            precondition(self.members.isEmpty && self.batch.isEmpty && self.fullBatches.isEmpty)
            self.slots.removeAll(keepingCapacity: true)
            self.freeSlots.removeAll(keepingCapacity: true)
            self.presence = .nobody
            return true
        }

        deinit {
            for member in self.members { member.release() }
        }

        var count: Int { self.members.count - self.holes }

        // No copy of the batch may be about while it grows: its bytes would be copied.
        func endBatch(before next: BroadcastFrame) {
            self.fullBatches.append(self.batch)
            self.batch = next
        }

        /// Hands out what was kept.
        func deliver() {
            var batch = BroadcastFrame(in: [])
            self.deliver(by: &batch)
        }

        /// Hands out what was kept, the last batch in the place of an empty one; nothing of it is needed any more.
        func deliver(by batch: inout BroadcastFrame) {
            if !self.fullBatches.isEmpty {
                let batches = self.fullBatches
                self.fullBatches = []
                for var batch in batches { self.tellAll { $0.deliver(&batch) } }
            }
            guard !self.batch.isEmpty else { return }
            swap(&batch, &self.batch)
            self.tellAll { $0.deliver(&batch) }
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
            self.members.append(.passRetained(member))
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
                self.slotOfPosition[position] = -1
                self.holes += 1
            } else {
                self.fill(position).release()
            }
            return true
        }

        @inline(__always)
        func tellAll(_ tell: (Member) -> Void) {
            self.deliveries += 1
            // The count is taken once: who joins meanwhile stands behind it.
            for position in 0..<self.members.count where self.holes == 0 || self.slotOfPosition[position] >= 0 {
                self.members[position]._withUnsafeGuaranteedRef(tell)
            }
            self.deliveries -= 1
            if self.deliveries == 0, self.holes > 0 { self.compact() }
        }

        /// Moves the last member into the place of one that has left; returns whose place it was.
        private func fill(_ position: Int) -> Unmanaged<Member> {
            let last = self.members.count - 1
            let gone = self.members[position]
            if position < last {
                self.members.swapAt(position, last)
                self.slotOfPosition.swapAt(position, last)
                let slot = self.slotOfPosition[position]
                // A hole has none.
                if slot >= 0 { self.slots[slot].position = position }
            }
            self.members.removeLast()
            self.slotOfPosition.removeLast()
            return gone
        }

        private func compact() {
            self.holes = 0
            var gone: [Unmanaged<Member>] = []
            for position in stride(from: self.members.count - 1, through: 0, by: -1)
            where self.slotOfPosition[position] < 0 {
                gone.append(self.fill(position))
            }
            // Behind everything else: the end of a member may lead anywhere.
            for member in gone { member.release() }
        }
    }
}
