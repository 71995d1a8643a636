import Testing
import TimingleTestSupport

@testable import TimingleNet

/// People come, go and speak in rooms that begin and end all the time; a model says who hears what.
struct RoomShardModelTests {
    private final class Member: RoomMember {
        var heard: [UInt8] = []
        var onDeliver: (() -> Void)?
        func deliver(_ frame: inout BroadcastFrame) {
            self.heard += frame.bytes
            self.onDeliver?()
        }
        func missed() {}
    }

    private struct Stay {
        var room: Int64
        var member: Member
        var membership: RoomMembership
        var expected: [UInt8] = []
    }

    @Test(arguments: 1...40)
    func whoIsInARoomHearsWhatIsSaidThere(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let shard = RoomShard<Member>(loopIndex: 0) { _ in }
        var presences: [Int64: RoomPresence] = [:]
        var stays: [Stay] = []
        var ended: [Stay] = []
        for step in 0..<3_000 {
            // Mostly rooms of one or none, so that rooms are made anew of old ones.
            let room = Int64.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let presence = presences[room] ?? RoomPresence()
                presences[room] = presence
                presence.joined(loop: 0)
                let member = Member()
                let membership = shard.join(room: room, member, presence: presence)
                stays.append(Stay(room: room, member: member, membership: membership))
            case 4..<8:
                guard let index = stays.indices.randomElement(using: &random) else { continue }
                let stay = stays.remove(at: index)
                #expect(shard.leave(stay.membership) != .unknown)
                // What this turn brought reaches nobody who has left.
                ended.append(stay)
                if !stays.contains(where: { $0.room == stay.room }) { presences[stay.room] = nil }
            case 8:
                let text = Array("\(step) ".utf8)
                let kept = shard.enqueue(text: text.span, room: room)
                #expect(kept == stays.contains { $0.room == room })
                for index in stays.indices where stays[index].room == room {
                    stays[index].expected += BroadcastFrame(textBytes: text).bytes
                }
            default:
                shard.turnEnded()
                for stay in stays { #expect(stay.member.heard == stay.expected) }
                for stay in ended { #expect(shard.leave(stay.membership) == .unknown) }
                for stay in ended { #expect(stay.expected.starts(with: stay.member.heard)) }
                ended = []
            }
        }
        #expect(shard.roomCount == Set(stays.map(\.room)).count)
    }

    /// True when somebody is there to hear it.
    private static func say(_ text: [UInt8], in room: Int64, of shard: RoomShard<Member>) -> Bool {
        shard.enqueue(text: text.span, room: room)
    }

    private static func presence() -> RoomPresence {
        let presence = RoomPresence()
        presence.joined(loop: 0)
        return presence
    }

    /// Its last member leaves inside of a delivery in which the room was published to: the next turn still knows it.
    @Test func aRoomMayEndInADeliveryThatPublishedToIt() {
        var asked = 0
        let shard = RoomShard<Member>(loopIndex: 0) { _ in asked += 1 }
        let (speaker, listener) = (Member(), Member())
        _ = shard.join(room: 1, speaker, presence: Self.presence())
        for round in 1...100 {
            let stay = shard.join(room: 2, listener, presence: Self.presence())
            speaker.onDeliver = {
                #expect(Self.say([0x61], in: 2, of: shard))
                #expect(shard.leave(stay) == .left(roomIsEmpty: true))
            }
            #expect(Self.say([0x62], in: 1, of: shard))
            shard.turnEnded()
            #expect(asked == 2 * round && shard.roomCount == 1)
            shard.turnEnded()
        }
        #expect(listener.heard.isEmpty && speaker.heard.count == 300)
    }

    /// Who comes is told nothing of before, and is a member although the one before left over being told.
    @Test func whoComesWhileTheLastOneLeavesIsAMember() {
        let shard = RoomShard<Member>(loopIndex: 0) { _ in }
        let (first, second) = (Member(), Member())
        let stay = shard.join(room: 1, first, presence: Self.presence())
        first.onDeliver = { #expect(shard.leave(stay) == .left(roomIsEmpty: true)) }
        #expect(Self.say([0x61], in: 1, of: shard))
        let later = shard.join(room: 1, second, presence: Self.presence())
        #expect(shard.memberCount(room: 1) == 1)
        #expect(Self.say([0x62], in: 1, of: shard))
        shard.turnEnded()
        #expect(first.heard.count == 3 && second.heard == [0x81, 1, 0x62])
        #expect(shard.leave(later) == .left(roomIsEmpty: true) && shard.roomCount == 0)
    }
}
