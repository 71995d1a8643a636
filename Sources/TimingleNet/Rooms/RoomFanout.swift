internal import Synchronization

/// Rooms over all loops: each loop keeps its own members and hands out once a turn what was published in it.
///
/// Any thread (Mutex); `join` and `leave` on the member's loop.
///
/// Promises: publications of one thread (or of one task that stays on its loop) to a room arrive in order at each
/// member; a publication that begins after `join` returned reaches that member; one that began before may. A loop that
/// is too far behind (`RoomLimits`) loses publications and parts from their rooms' members: nobody has a gap.
package final class RoomFanout: Sendable {
    /// A part of the rooms under its own lock, so that publishers seldom meet.
    private final class Stripe: Sendable {
        let rooms = Mutex<[Int64: RoomPresence]>([:])
    }

    /// One loop's members, and the way to them from other threads.
    private final class Place: Sendable {
        let loop: EventLoop
        let shard: LoopBound<RoomShard<WebSocketConnection>>
        // SAFETY: opened on the loop alone, whose thread was told apart before; `shard` keeps what it refers to.
        // RoomFanoutTests publishes from loops and from other threads, under the sanitizers, too.
        nonisolated(unsafe) let shardHere: Unmanaged<RoomShard<WebSocketConnection>>
        let inbox: RoomInbox
        let codec: LoopBound<PerMessageDeflateCodec>

        init(loop: EventLoop, compression: PerMessageDeflate, limits: RoomLimits) {
            self.loop = loop
            self.inbox = RoomInbox(bytesMax: limits.inboxBytes)
            self.codec = LoopBound(PerMessageDeflateCodec(alone: compression), on: loop)
            let turn = RoomTurn()
            let shard = RoomShard<WebSocketConnection>(loopIndex: loop.index) { [unowned loop] _ in
                loop.atTurnEnd(turn, .publish)
            }
            turn.shard = shard
            self.shardHere = .passUnretained(shard)
            self.shard = LoopBound(shard, on: loop)
        }

        /// Hands over what has come from other threads; on the loop.
        func takeInbox() {
            let contents = self.inbox.take()
            for publication in contents.publications {
                _ = self.shard.value.enqueue(publication.frame, room: publication.room)
            }
            for room in contents.lostRooms { self.shard.value.partFromAll(room: room) }
        }
    }

    /// Tells a shard of its turn's end.
    ///
    /// Loop-confined. A type without parameters: a witness of a generic class is not specialised, and each delivery
    /// would look up metadata.
    private final class RoomTurn: TurnEndHandler {
        unowned var shard: RoomShard<WebSocketConnection>?
        func turnEnded() { self.shard?.turnEnded() }
    }

    private let places: [Place]
    private let loops: [EventLoop]
    private let stripes: [Stripe]
    /// Members of all rooms that agreed on compression.
    private let compressingCount = Atomic<Int>(0)
    /// For publishers that are on no loop.
    private let outsideCodec: Mutex<PerMessageDeflateCodec>

    /// `compression` tells how publications are compressed, once each, where a member agreed on that.
    package init(
        group: EventLoopGroup,
        compression: PerMessageDeflate = PerMessageDeflate(),
        limits: RoomLimits = RoomLimits()
    ) {
        precondition(group.loops.count <= 64, "rooms reach over at most 64 loops")
        self.places = group.loops.map { Place(loop: $0, compression: compression, limits: limits) }
        self.loops = group.loops
        self.outsideCodec = Mutex(PerMessageDeflateCodec(alone: compression))
        self.stripes = (0..<16).map { _ in Stripe() }
    }

    /// Adds the socket to the room until `leave`; on the socket's loop.
    package func join(room: Int64, _ socket: WebSocketConnection) -> RoomMembership {
        let index = socket.loop.index
        precondition(
            self.places.indices.contains(index) && self.places[index].loop === socket.loop,
            "a member's loop is not of this group"
        )
        let compresses = socket.takesCompressed
        if compresses { self.compressingCount.add(1, ordering: .relaxed) }
        let presence = self.stripe(room).rooms.withLock { rooms in
            let presence = rooms[room] ?? RoomPresence()
            rooms[room] = presence
            presence.joined(loop: index, compresses: compresses)
            return presence
        }
        var membership = self.places[index].shard.value.join(room: room, socket, presence: presence)
        membership.compresses = compresses
        return membership
    }

    /// Ends a stay, on the loop of `join`; a second time, or after a newer join, changes nothing that is newer.
    package func leave(_ membership: RoomMembership) {
        switch self.places[membership.loopIndex].shard.value.leave(membership) {
        case .unknown:
            break
        case .left(let roomIsEmpty):
            if membership.compresses { self.compressingCount.subtract(1, ordering: .relaxed) }
            self.stripe(membership.room).rooms.withLock { rooms in
                guard let presence = rooms[membership.room] else { return }
                let isEmpty = presence.left(
                    loop: membership.loopIndex,
                    loopIsEmpty: roomIsEmpty,
                    compresses: membership.compresses
                )
                if isEmpty { rooms[membership.room] = nil }
            }
        }
    }

    /// Hands the frame to all members at the end of their loops' turns; never waits and never delivers inside the call.
    package func publish(_ frame: BroadcastFrame, to room: Int64) {
        let here = self.indexOfThisThread()
        guard self.compressingCount.load(ordering: .relaxed) > 0 else {
            return self.handOut(frame, to: room, from: here)
        }
        self.handOut(self.compressed(frame, for: room, by: here), to: room, from: here)
    }

    /// Like `publish` with the frame of `text`, which may lie in a received message and is UTF-8 already.
    package func publish(text: Span<UInt8>, to room: Int64) {
        if self.compressingCount.load(ordering: .relaxed) == 0, let here = self.indexOfThisThread(),
            Unmanaged.passUnretained(self.places[here])._withUnsafeGuaranteedRef({ place in
                place.shardHere._withUnsafeGuaranteedRef { $0.enqueue(text: text, room: room) }
            })
        {
            return
        }
        self.publish(BroadcastFrame(text: text), to: room)
    }

    private func compressed(_ frame: BroadcastFrame, for room: Int64, by here: Int?) -> BroadcastFrame {
        let isOfUse = self.stripe(room).rooms.withLock { $0[room]?.hasCompressingMembers ?? false }
        guard isOfUse else { return frame }
        var frame = frame
        if let here {
            frame.compress(with: self.places[here].codec.value)
        } else {
            self.outsideCodec.withLock { frame.compress(with: $0) }
        }
        return frame
    }

    @inline(__always)
    private func handOut(_ frame: BroadcastFrame, to room: Int64, from here: Int?) {
        var loops: RoomPresence.LoopSet
        if let here, let present = self.places[here].shard.value.enqueue(frame, room: room) {
            loops = present
            loops.remove(here)
            // The usual case: all members are where the publication came from.
            guard !loops.isEmpty else { return }
        } else {
            guard let presence = self.stripe(room).rooms.withLock({ $0[room] }) else { return }
            loops = presence.loops
        }
        for index in loops {
            let place = self.places[index]
            guard place.inbox.append(RoomInbox.Publication(room: room, frame: frame)) else { continue }
            place.loop.execute { place.takeInbox() }
        }
    }

    /// Members on all loops; true for the moment in which it was read.
    package func memberCount(room: Int64) -> Int {
        self.stripe(room).rooms.withLock { $0[room]?.members } ?? 0
    }

    @inline(__always)
    private func indexOfThisThread() -> Int? { EventLoop.currentIndex(in: self.loops) }

    private func stripe(_ room: Int64) -> Stripe {
        self.stripes[Int(truncatingIfNeeded: room & 15)]
    }
}
