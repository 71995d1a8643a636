import Testing
import TimingleTestSupport

@testable import TimingleNet

struct RoomShardTests {
    /// Counts what it gets, and does what a test wants inside the delivery.
    private final class Member: RoomMember {
        var received = 0
        var bytes: [UInt8] = []
        var onDeliver: (() -> Void)?
        func deliver(_ frame: BroadcastFrame) {
            self.received += 1
            self.bytes += frame.bytes
            self.onDeliver?()
        }
    }

    private static let frame = BroadcastFrame(text: "x")

    /// A shard whose turns a test ends itself.
    private static func shard() -> RoomShard<Member> { RoomShard(loopIndex: 0) { _ in } }

    @Test(arguments: [1, 100, 10_000])
    func eachMemberGetsAPublicationOnce(count: Int) {
        let shard = Self.shard()
        let members = (0..<count).map { _ in Member() }
        let stranger = Member()
        for member in members { _ = shard.join(room: 7, member) }
        _ = shard.join(room: 8, stranger)
        shard.deliver(Self.frame, to: 7)
        shard.deliver(Self.frame, to: 9)
        #expect(members.allSatisfy { $0.received == 1 })
        #expect(stranger.received == 0)
    }

    @Test func whatATurnBringsToARoomIsOneChunkInOrder() {
        var asked = 0
        let shard = RoomShard<Member>(loopIndex: 0) { _ in asked += 1 }
        let members = (0..<3).map { _ in Member() }
        for member in members { _ = shard.join(room: 1, member) }
        _ = shard.join(room: 2, members[0])
        let frames = ["a", "b", "c"].map { BroadcastFrame(text: $0) }
        for frame in frames { #expect(shard.enqueue(frame, room: 1) != nil) }
        #expect(shard.enqueue(frames[0], room: 2) != nil)
        #expect(shard.enqueue(frames[0], room: 3) == nil)
        #expect(asked == 1)
        shard.turnEnded()
        #expect(members.map(\.received) == [2, 1, 1])
        #expect(members[1].bytes == frames.flatMap(\.bytes))
        #expect(members[0].bytes == frames.flatMap(\.bytes) + frames[0].bytes)
        shard.turnEnded()
        #expect(members.map(\.received) == [2, 1, 1])
    }

    @Test func aLongBurstIsSeveralChunksAndLosesNothing() {
        let shard = Self.shard()
        let member = Member()
        _ = shard.join(room: 1, member)
        let frame = BroadcastFrame(text: String(repeating: "x", count: 10_000))
        for _ in 0..<20 { _ = shard.enqueue(frame, room: 1) }
        shard.turnEnded()
        #expect(member.received == 4)
        #expect(member.bytes.count == 20 * frame.bytes.count)
    }

    @Test func whatIsPublishedInsideADeliveryWaitsForTheNextTurn() {
        let shard = Self.shard()
        let member = Member()
        _ = shard.join(room: 1, member)
        member.onDeliver = {
            member.onDeliver = nil
            _ = shard.enqueue(Self.frame, room: 1)
        }
        shard.deliver(Self.frame, to: 1)
        #expect(member.received == 1)
        shard.turnEnded()
        #expect(member.received == 2)
    }

    @Test func aLateLeaveDoesNotEndANewerStay() {
        let shard = Self.shard()
        let (old, new) = (Member(), Member())
        let first = shard.join(room: 1, old)
        #expect(shard.leave(first) == .left(roomIsEmpty: true))
        // The new stay takes the same slot of a room of the same name.
        let second = shard.join(room: 1, new)
        #expect(first != second)
        #expect(shard.leave(first) == .unknown)
        #expect(shard.memberCount(room: 1) == 1)
        shard.deliver(Self.frame, to: 1)
        #expect(new.received == 1 && old.received == 0)
    }

    @Test func aRoomWithoutMembersIsForgotten() {
        let shard = Self.shard()
        let membership = shard.join(room: 1, Member())
        #expect(shard.roomCount == 1)
        let other = shard.join(room: 1, Member())
        #expect(shard.leave(membership) == .left(roomIsEmpty: false))
        #expect(shard.roomCount == 1)
        #expect(shard.leave(other) == .left(roomIsEmpty: true))
        #expect(shard.roomCount == 0)
    }

    @Test func whoLeavesDuringADeliveryGetsNothingMoreAndNobodyIsSkipped() {
        let shard = Self.shard()
        let members = (0..<10).map { _ in Member() }
        let stays = members.map { shard.join(room: 1, $0) }
        members[2].onDeliver = {
            // Itself, one that had it, two that wait for it.
            for index in [2, 0, 5, 9] { _ = shard.leave(stays[index]) }
        }
        shard.deliver(Self.frame, to: 1)
        #expect(members.map(\.received) == [1, 1, 1, 1, 1, 0, 1, 1, 1, 0])
        #expect(shard.memberCount(room: 1) == 6)
        members[2].onDeliver = nil
        shard.deliver(Self.frame, to: 1)
        #expect(members.map(\.received) == [1, 2, 1, 2, 2, 0, 2, 2, 2, 0])
    }

    @Test func whoJoinsDuringADeliveryGetsTheNextOne() {
        let shard = Self.shard()
        let (first, newcomer) = (Member(), Member())
        _ = shard.join(room: 1, first)
        first.onDeliver = {
            first.onDeliver = nil
            _ = shard.join(room: 1, newcomer)
        }
        shard.deliver(Self.frame, to: 1)
        #expect(newcomer.received == 0)
        shard.deliver(Self.frame, to: 1)
        #expect(newcomer.received == 1 && first.received == 2)
    }

    @Test func theLastOneMayLeaveAndComeBackInsideADelivery() {
        let shard = Self.shard()
        let member = Member()
        let stay = shard.join(room: 1, member)
        member.onDeliver = {
            member.onDeliver = nil
            #expect(shard.leave(stay) == .left(roomIsEmpty: true))
            _ = shard.join(room: 1, member)
        }
        shard.deliver(Self.frame, to: 1)
        #expect(member.received == 1)
        shard.deliver(Self.frame, to: 1)
        #expect(member.received == 2)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func agreesWithASetOfStays(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let shard = Self.shard()
        var stays: [(membership: RoomMembership, member: Member)] = []
        var ended: [RoomMembership] = []
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...4:
                let member = Member()
                let room = Int64.random(in: 0..<3, using: &random)
                stays.append((shard.join(room: room, member), member))
            case 5...7 where !stays.isEmpty:
                let index = Int.random(in: 0..<stays.count, using: &random)
                ended.append(stays.remove(at: index).membership)
                #expect(shard.leave(ended[ended.count - 1]) != .unknown)
            case 8:
                if let old = ended.randomElement(using: &random) { #expect(shard.leave(old) == .unknown) }
            default:
                let room = Int64.random(in: 0..<3, using: &random)
                let before = stays.map(\.member.received)
                shard.deliver(Self.frame, to: room)
                for (index, stay) in stays.enumerated() {
                    #expect(stay.member.received == before[index] + (stay.membership.room == room ? 1 : 0))
                }
            }
        }
        for room in 0..<3 as Range<Int64> {
            #expect(shard.memberCount(room: room) == stays.count { $0.membership.room == room })
        }
    }
}

extension RoomShard {
    fileprivate func join(room: Int64, _ member: Member) -> RoomMembership {
        self.join(room: room, member, presence: RoomPresence())
    }

    /// A turn in which one frame was published.
    fileprivate func deliver(_ frame: BroadcastFrame, to room: Int64) {
        _ = self.enqueue(frame, room: room)
        self.turnEnded()
    }
}
