internal import Synchronization

/// Rooms over all loops: each loop keeps its own members, a publication costs one job per loop that has some.
///
/// Any thread (Mutex); `join` and `leave` on the member's loop.
///
/// Promises: publications of one thread (or of one task that stays on its loop) to a room arrive in order at each
/// member; a publication that begins after `join` returned reaches that member; one that began before may.
package final class RoomFanout: Sendable {
    /// Which loops have members, and how many members there are in all.
    private struct Presence {
        var loops: [Int] = []
        var members = 0
    }

    /// A part of the rooms under its own lock, so that publishers seldom meet.
    private final class Stripe: Sendable {
        let rooms = Mutex<[Int64: Presence]>([:])
    }

    private let loops: [EventLoop]
    private let shards: [LoopBound<RoomShard<WebSocketConnection>>]
    private let stripes: [Stripe]

    package init(group: EventLoopGroup) {
        self.loops = group.loops
        self.shards = group.loops.map { LoopBound(RoomShard(loopIndex: $0.index), on: $0) }
        self.stripes = (0..<16).map { _ in Stripe() }
    }

    /// Adds the socket to the room until `leave`; on the socket's loop.
    package func join(room: Int64, _ socket: WebSocketConnection) -> RoomMembership {
        let index = socket.loop.index
        precondition(
            self.loops.indices.contains(index) && self.loops[index] === socket.loop,
            "a member's loop is not of this group"
        )
        let (membership, wasEmpty) = self.shards[index].value.join(room: room, socket)
        self.stripe(room).rooms.withLock { rooms in
            rooms[room, default: Presence()].members += 1
            if wasEmpty { rooms[room, default: Presence()].loops.append(index) }
        }
        return membership
    }

    /// Ends a stay, on the loop of `join`; a second time, or after a newer join, changes nothing that is newer.
    package func leave(_ membership: RoomMembership) {
        switch self.shards[membership.loopIndex].value.leave(membership) {
        case .unknown:
            break
        case .left(let roomIsEmpty):
            self.stripe(membership.room).rooms.withLock { rooms in
                guard var presence = rooms.removeValue(forKey: membership.room) else { return }
                presence.members -= 1
                if roomIsEmpty { presence.loops.removeAll { $0 == membership.loopIndex } }
                if presence.members > 0 { rooms[membership.room] = presence }
            }
        }
    }

    /// Hands the frame to all members; never waits and never delivers inside the call.
    package func publish(_ frame: BroadcastFrame, to room: Int64) {
        let present = self.stripe(room).rooms.withLock { $0[room]?.loops } ?? []
        for index in present {
            let shard = self.shards[index]
            self.loops[index].execute { shard.value.deliver(frame, to: room) }
        }
    }

    /// Members on all loops; true for the moment in which it was read.
    package func memberCount(room: Int64) -> Int {
        self.stripe(room).rooms.withLock { $0[room]?.members } ?? 0
    }

    private func stripe(_ room: Int64) -> Stripe {
        self.stripes[Int(truncatingIfNeeded: room & 15)]
    }
}
