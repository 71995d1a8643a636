import Testing
import TimingleTestSupport

@testable import TimingleNet

struct RoomShardTests {
    /// Counts what it gets, and does what a test wants inside the delivery.
    private final class Member: RoomMember {
        var received = 0
        var bytes: [UInt8] = []
        var latest: BroadcastFrame?
        var onDeliver: (() -> Void)?
        var shares = false
        var shared: [[UInt8]] = []
        func deliver(_ frame: inout BroadcastFrame) {
            self.received += 1
            self.bytes += frame.bytes
            self.latest = frame
            if self.shares { self.shared.append(frame.share()) }
            self.onDeliver?()
        }
        var missedCount = 0
        func missed() { self.missedCount += 1 }
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

    @Test func whoKeepsWhatItWasSentKeepsIt() {
        let shard = Self.shard()
        let members = (0..<2).map { _ in Member() }
        for (room, member) in members.enumerated() {
            let presence = RoomPresence()
            presence.joined(loop: 0)
            _ = shard.join(room: Int64(room), member, presence: presence)
        }
        var kept: [BroadcastFrame] = []
        let texts = (0..<300).map { Array("text \($0)".utf8) }
        for (index, text) in texts.enumerated() {
            #expect(shard.keep(text, room: Int64(index % 2)))
            guard index % 3 == 2 else { continue }
            shard.turnEnded()
            for member in members { if let latest = member.latest { kept.append(latest) } }
            // What was kept is not what the next turns are written into.
            let copies = kept.map { Array($0.bytes) }
            #expect(shard.keep(Array("between".utf8), room: 0))
            shard.turnEnded()
            #expect(kept.map(\.bytes) == copies)
        }
        let between = BroadcastFrame(text: "between").bytes
        let received = members[0].bytes.count - 100 * between.count + members[1].bytes.count
        #expect(received == texts.map { BroadcastFrame(textBytes: $0).bytes.count }.reduce(0, +))
    }

    @Test func aTurnWritesIntoMemoryThatNobodyKeepsAndTellsTheSameToAll() {
        let shard = Self.shard()
        let members = (0..<3).map { _ in Member() }
        let presence = RoomPresence()
        presence.joined(loop: 0)
        for member in members { _ = shard.join(room: 1, member, presence: presence) }
        for (index, count) in [10, 4_000, 3, 300, 9_000, 1].enumerated() {
            // One keeps what it is sent in some turns, and those behind it are sent the same.
            members[1].shares = index % 2 == 0
            let text = [UInt8](repeating: UInt8(0x61 + index), count: count)
            #expect(shard.keep(text, room: 1) && shard.keep(text, room: 1))
            shard.turnEnded()
            let expected = BroadcastFrame(textBytes: text).bytes + BroadcastFrame(textBytes: text).bytes
            for member in members {
                #expect(member.bytes.suffix(expected.count).elementsEqual(expected))
            }
        }
        #expect(members[0].bytes == members[1].bytes && members[0].bytes == members[2].bytes)
        #expect(members[1].shared.reduce([], +) == members[1].shared.map { Array($0) }.reduce([], +))
        #expect(members[1].shared.map(\.count) == [2 * 12, 2 * 5, 2 * 9_004])
    }

    @Test func roomsWhoseNamesEndAlikeAreToldApart() {
        let shard = Self.shard()
        let members = (0..<4).map { _ in Member() }
        let names: [Int64] = [7, 7 + 256, 7 + 1 << 32, 7 - 256]
        let stays = zip(names, members).map { shard.join(room: $0, $1) }
        for round in 1...3 {
            for name in names { _ = shard.enqueue(Self.frame, room: name) }
            shard.turnEnded()
            #expect(members.map(\.received) == [round, round, round, round])
        }
        for (index, stay) in stays.enumerated() {
            #expect(shard.leave(stay) == .left(roomIsEmpty: true))
            for (other, name) in names.enumerated() {
                #expect((shard.enqueue(Self.frame, room: name) != nil) == (other > index))
            }
        }
        shard.turnEnded()
        #expect(members.map(\.received) == [3, 3, 3, 3])
    }

    @Test func whoHasLeftIsLetGo() {
        let shard = Self.shard()
        weak var gone: Member?
        var stays: [RoomMembership] = []
        do {
            let member = Member()
            gone = member
            stays.append(shard.join(room: 1, member))
            _ = shard.join(room: 1, Member())
            member.onDeliver = { [unowned member] in
                member.onDeliver = nil
                _ = shard.leave(stays[0])
            }
        }
        #expect(gone != nil)
        shard.deliver(Self.frame, to: 1)
        #expect(gone == nil)
        do {
            let member = Member()
            gone = member
            _ = shard.leave(shard.join(room: 1, member))
        }
        #expect(gone == nil)
        do {
            let other = Self.shard()
            let member = Member()
            gone = member
            _ = other.join(room: 1, member)
            _ = other.enqueue(Self.frame, room: 1)
        }
        #expect(gone == nil)
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

    @Test func whoComesAfterTheLastOneLeftInTheSameTurnIsPublishedTo() {
        let shard = Self.shard()
        let (old, new) = (Member(), Member())
        let stay = shard.join(room: 1, old)
        _ = shard.enqueue(Self.frame, room: 1)
        #expect(shard.leave(stay) == .left(roomIsEmpty: true))
        #expect(shard.enqueue(Self.frame, room: 1) == nil)
        _ = shard.join(room: 1, new)
        #expect(shard.enqueue(BroadcastFrame(text: "y"), room: 1) != nil)
        shard.turnEnded()
        #expect(old.received == 0)
        #expect(new.bytes == BroadcastFrame(text: "y").bytes)
    }

    @Test func whoMissedSomethingIsToldBehindWhatCameBefore() {
        let shard = Self.shard()
        let (member, other) = (Member(), Member())
        _ = shard.join(room: 1, member)
        _ = shard.join(room: 2, other)
        _ = shard.enqueue(Self.frame, room: 1)
        member.onDeliver = { #expect(member.missedCount == 0) }
        shard.partFromAll(room: 1)
        shard.partFromAll(room: 3)
        #expect(member.received == 1 && member.missedCount == 1 && other.missedCount == 0)
        shard.turnEnded()
        #expect(member.received == 1)
    }

    @Test func aTextIsKeptOnlyWhereAllMembersAreHere() {
        let shard = Self.shard()
        let member = Member()
        let presence = RoomPresence()
        presence.joined(loop: 0)
        let stay = shard.join(room: 1, member, presence: presence)
        let text = Array("hello".utf8)
        #expect(!shard.keep(text, room: 2))
        #expect(shard.keep(text, room: 1))
        presence.joined(loop: 3)
        #expect(!shard.keep(text, room: 1))
        #expect(shard.enqueue(BroadcastFrame(text: "all"), room: 1) == RoomPresence.LoopSet(bits: 0b1001))
        _ = presence.left(loop: 3, loopIsEmpty: true)
        #expect(shard.keep(text, room: 1))
        shard.turnEnded()
        let frames = ["hello", "all", "hello"].flatMap { BroadcastFrame(text: $0).bytes }
        #expect(member.received == 1 && member.bytes == frames)
        #expect(shard.leave(stay) == .left(roomIsEmpty: true))
        #expect(!shard.keep(text, room: 1))
    }

    /// Texts and frames to several rooms in turns that end, join and leave anywhere, against lists of bytes.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func whatATurnBringsIsWhatWasPublishedSinceTheJoin(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let shard = Self.shard()
        let presences = (0..<3).map { _ in RoomPresence() }
        var stays: [(membership: RoomMembership, member: Member, expected: [UInt8])] = []
        for step in 0..<400 {
            let room = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                let member = Member()
                presences[room].joined(loop: 0)
                stays.append((shard.join(room: Int64(room), member, presence: presences[room]), member, []))
                // A join hands out what its room was sent before.
                for stay in stays where stay.membership.room == room { #expect(stay.member.bytes == stay.expected) }
            case 1 where !stays.isEmpty:
                let stay = stays.remove(at: Int.random(in: 0..<stays.count, using: &random))
                let result = shard.leave(stay.membership)
                _ = presences[Int(stay.membership.room)].left(loop: 0, loopIsEmpty: result == .left(roomIsEmpty: true))
                #expect(stay.expected.starts(with: stay.member.bytes))
            case 2, 3:
                shard.turnEnded()
                for index in stays.indices {
                    #expect(stays[index].member.bytes == stays[index].expected)
                    stays[index].member.bytes = []
                    stays[index].expected = []
                }
            default:
                let count = [0, 1, 125, 126, 300, 30_000].randomElement(using: &random) ?? 0
                let text = [UInt8](repeating: UInt8(0x61 + step % 26), count: count)
                let frame = BroadcastFrame(textBytes: text)
                let isThere = stays.contains { $0.membership.room == room }
                if Bool.random(using: &random) {
                    #expect((shard.enqueue(frame, room: Int64(room)) != nil) == isThere)
                } else {
                    #expect(shard.keep(text, room: Int64(room)) == isThere)
                }
                for index in stays.indices where stays[index].membership.room == room {
                    stays[index].expected += frame.bytes
                }
            }
        }
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

    /// Says whether the text was kept.
    fileprivate func keep(_ text: [UInt8], room: Int64) -> Bool { self.enqueue(text: text.span, room: room) }

    /// A turn in which one frame was published.
    fileprivate func deliver(_ frame: BroadcastFrame, to room: Int64) {
        _ = self.enqueue(frame, room: room)
        self.turnEnded()
    }
}
