/// What a room sends to.
///
/// Loop-confined.
protocol RoomMember: AnyObject {
    /// Takes one publication; must not wait.
    func deliver(_ frame: BroadcastFrame)
}

extension WebSocketConnection: RoomMember {
    /// A member that is too slow closes itself with 1013 and leaves the room later, from the loop.
    func deliver(_ frame: BroadcastFrame) { self.send(frame) }
}

/// Names one stay of one member in one room; a later stay has another generation.
///
/// Immutable.
package struct RoomMembership: Hashable, Sendable {
    package let room: Int64
    let loopIndex: Int
    let slot: Int
    let generation: UInt64
}

/// One loop's members by room.
///
/// Loop-confined.
final class RoomShard<Member: RoomMember> {
    /// What became of a leave.
    enum LeaveResult: Equatable {
        /// The stay had ended before.
        case unknown
        case left(roomIsEmpty: Bool)
    }

    private let loopIndex: Int
    private var rooms: [Int64: Room] = [:]
    /// Unique in the shard, also across rooms that were emptied and made anew.
    private var generation: UInt64 = 0

    init(loopIndex: Int) { self.loopIndex = loopIndex }

    var roomCount: Int { self.rooms.count }

    func memberCount(room: Int64) -> Int { self.rooms[room]?.count ?? 0 }

    /// Adds a stay and says whether the room had none before.
    func join(room: Int64, _ member: Member) -> (membership: RoomMembership, wasEmpty: Bool) {
        self.generation += 1
        let place: Room
        if let existing = self.rooms[room] {
            place = existing
        } else {
            place = Room()
            self.rooms[room] = place
        }
        let wasEmpty = place.count == 0
        let slot = place.add(member, generation: self.generation)
        let membership = RoomMembership(
            room: room,
            loopIndex: self.loopIndex,
            slot: slot,
            generation: self.generation
        )
        return (membership, wasEmpty)
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

    /// Hands the frame to every member that is in the room now, in no particular order.
    ///
    /// Members may leave and join meanwhile: who has left gets nothing, who joins gets the next one.
    func deliver(_ frame: BroadcastFrame, to room: Int64) {
        self.rooms[room]?.deliver(frame)
    }

    /// The members of one room in a compact array, and slots by which a stay finds its place in O(1).
    private final class Room {
        private struct Slot {
            var generation: UInt64
            var position: Int
        }

        /// nil only while a delivery is under way.
        private var members: [Member?] = []
        /// The slot of the member in the same place.
        private var slotOfPosition: [Int] = []
        private var slots: [Slot] = []
        private var freeSlots: [Int] = []
        private var deliveries = 0
        private var holes = 0

        var count: Int { self.members.count - self.holes }

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

        func deliver(_ frame: BroadcastFrame) {
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
