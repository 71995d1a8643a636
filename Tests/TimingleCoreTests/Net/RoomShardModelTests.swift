import Testing
import TimingleTestSupport

@testable import TimingleNet

/// People come, go and speak in rooms that begin and end all the time; a model says who hears what.
struct RoomShardModelTests {
    private final class Member: RoomMember {
        var heard: [UInt8] = []
        func deliver(_ frame: inout BroadcastFrame) { self.heard += frame.bytes }
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
}
