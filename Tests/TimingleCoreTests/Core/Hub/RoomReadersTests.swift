import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct RoomReadersTests {
    private static func limits(interval: Duration = .milliseconds(30)) -> HubLimits {
        var limits = HubLimits()
        limits.markInterval = interval
        limits.leaveMarkDelay = .milliseconds(5)
        limits.markRetryDelay = .milliseconds(20)
        return limits
    }

    @Test func whoHoldsASocketHasReadWhatWasShown() async throws {
        try await ChatWorld.with(limits: Self.limits()) { world in
            let here = try await world.open(world.jiwoo, loop: 1)
            let twice = try await world.open(world.jiwoo)
            let writer = try await world.open(world.minsu)
            writer.send(#"{"message":"one"}"#)
            writer.send(#"{"message":"two"}"#)
            #expect(await eventually { world.rooms.mark(world.event, world.jiwoo.userID) == 2 })
            #expect(world.rooms.mark(world.event, world.minsu.userID) == 2)
            for session in [here, twice, writer] { try await session.end() }
            let batches = world.rooms.markBatches.count
            _ = try await world.hub.append(world.draft("nobody is here"))
            try await Task.sleep(for: .milliseconds(80))
            #expect(world.rooms.mark(world.event, world.jiwoo.userID) == 2)
            #expect(world.rooms.markBatches.count == batches)
        }
    }

    @Test func manyMessagesToManyCostOneWriteInTheInterval() async throws {
        var limits = Self.limits(interval: .seconds(1))
        limits.marksPerStatementMax = 30
        try await ChatWorld.with(limits: limits) { world in
            for number in Int64(10)..<60 {
                let user = UserID(rawValue: number)
                world.rooms.set(world.event, user, .participant(.accepted))
                _ = try await world.open(Requester(userID: user, name: "\(number)"), loop: Int(number % 2))
            }
            for number in 0..<40 { _ = try await world.hub.append(world.draft("\(number)")) }
            #expect(await eventually { world.rooms.mark(world.event, UserID(rawValue: 59)) == 40 })
            #expect(await eventually { world.rooms.mark(world.event, UserID(rawValue: 10)) == 40 })
            let batches = world.rooms.markBatches
            #expect(batches.allSatisfy { $0.count <= 30 && Set($0.map(\.userID)).count == $0.count })
            // Fifty people take two statements; a slow machine may need a second round.
            #expect(batches.count <= 4)
        }
    }

    @Test func leavingMarksAtOnceAndOnlyWhatWasSeen() async throws {
        try await ChatWorld.with(limits: Self.limits(interval: .seconds(600))) { world in
            let session = try await world.open(world.jiwoo)
            try await session.end()
            let writer = try await world.open(world.minsu)
            _ = try await world.hub.append(world.draft("before"))
            let late = try await world.open(world.jiwoo)
            try await late.end()
            // Neither the socket before the message nor the one after it was shown anything.
            let seen = try await world.open(world.jiwoo, loop: 1)
            let last = try await world.hub.append(world.draft("seen"))
            #expect(await eventually { seen.seqs == [last.seq] })
            try await seen.end()
            #expect(await eventually { world.rooms.mark(world.event, world.jiwoo.userID) == last.seq })
            #expect(world.rooms.markBatches.flatMap(\.self).map(\.userID) == [world.jiwoo.userID])
            try await writer.end()
        }
    }

    @Test func whatWasCaughtUpIsRead() async throws {
        try await ChatWorld.with(limits: Self.limits()) { world in
            let first = try await world.hub.append(world.draft("one"))
            let second = try await world.hub.append(world.draft("two"))
            let session = try await world.open(world.jiwoo, since: first.messageID)
            #expect(await eventually { session.seqs == [second.seq] })
            #expect(await eventually { world.rooms.mark(world.event, world.jiwoo.userID) == second.seq })
        }
    }

    @Test func aStoreThatIsAwayIsAskedAgain() async throws {
        try await ChatWorld.with(limits: Self.limits()) { world in
            let session = try await world.open(world.jiwoo)
            world.rooms.failNextMarks(3)
            let message = try await world.hub.append(world.draft("one"))
            #expect(await eventually { world.rooms.mark(world.event, world.jiwoo.userID) == message.seq })
            #expect(world.rooms.markBatches.count == 4)
            try await session.end()
        }
    }

    @Test func whoIsNoMemberAnyMoreIsPutOutWhenMarksMove() async throws {
        try await ChatWorld.with(limits: Self.limits()) { world in
            let out = try await world.open(world.jiwoo, loop: 1)
            let stays = try await world.open(world.minsu)
            // The word of it was lost on the way; the store knows.
            world.rooms.set(world.event, world.jiwoo.userID, .participant(.declined))
            _ = try await world.hub.append(world.draft("a system line, say"))
            #expect(await eventually { out.peer.closedWith == 4507 && !out.peer.isIn })
            #expect(await eventually { world.rooms.mark(world.event, world.minsu.userID) == 1 })
            #expect(world.rooms.mark(world.event, world.jiwoo.userID) == nil)
            #expect(stays.peer.closedWith == nil)
        }
    }

    @Test func drainingMovesTheMarksThatWait() async throws {
        try await ChatWorld.with(limits: Self.limits(interval: .seconds(600))) { world in
            let session = try await world.open(world.jiwoo)
            _ = try await world.hub.append(world.draft("one"))
            let start = MonotonicInstant.now
            await world.hub.drain(deadline: .seconds(20))
            #expect(MonotonicInstant.now - start < .seconds(10))
            #expect(world.rooms.mark(world.event, world.jiwoo.userID) == 1)
            try await session.end()
        }
    }
}
