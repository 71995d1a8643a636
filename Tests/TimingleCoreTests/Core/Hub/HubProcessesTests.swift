import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Two hubs as two processes: one relay, one broker, one store.
struct HubProcessesTests {
    private static func with(
        lookInterval: Duration = .seconds(120),
        _ body: (_ world: ChatWorld, _ one: ChatProcess, _ two: ChatProcess, _ relay: MemoryRelay) async throws -> Void
    ) async throws {
        var limits = HubLimits()
        limits.markInterval = .milliseconds(30)
        limits.lookInterval = lookInterval
        try await ChatWorld.with(limits: limits) { world in
            let relay = MemoryRelay()
            try await body(world, world.process(relay: relay), world.process(relay: relay.other(1)), relay)
        }
    }

    @Test func whoIsEvictedInOneProcessIsPutOutInAll() async throws {
        try await Self.with { world, one, two, _ in
            let here = try await world.open(world.jiwoo, in: one)
            let there = try await world.open(world.jiwoo, loop: 1, in: two)
            let stays = try await world.open(world.minsu, in: two)
            one.hub.evict(event: world.event, user: world.jiwoo.userID)
            #expect(await eventually { here.peer.closedWith == 4507 && there.peer.closedWith == 4507 })
            #expect(!there.peer.isIn)
            #expect(stays.peer.closedWith == nil && stays.peer.isIn)
        }
    }

    @Test func whoseEvictionWasNotHeardIsPutOutAfterTheNextItem() async throws {
        try await Self.with { world, one, two, relay in
            let there = try await world.open(world.jiwoo, loop: 1, in: two)
            let stays = try await world.open(world.minsu, in: two)
            relay.isDeaf = true
            world.rooms.set(world.event, world.jiwoo.userID, .participant(.declined))
            one.hub.evict(event: world.event, user: world.jiwoo.userID)
            _ = try await one.hub.append(world.draft("so-and-so declined"))
            #expect(await eventually { there.peer.closedWith == 4507 && !there.peer.isIn })
            #expect(stays.peer.closedWith == nil)
        }
    }

    @Test func typingIsSeenInAllProcessesOnce() async throws {
        try await Self.with { world, one, two, _ in
            let typist = try await world.open(world.minsu, in: one)
            let there = try await world.open(world.jiwoo, in: two)
            typist.send(#"{"type":"typing"}"#)
            #expect(await eventually { there.peer.frames.count == 1 && typist.peer.frames.count == 1 })
            #expect(there.peer.frames == typist.peer.frames)
            typist.send(#"{"message":"done"}"#)
            #expect(await eventually { there.seqs == [1] })
            #expect(there.peer.frames.count == 2)
        }
    }

    @Test func whatIsRepeatedInAnotherProcessIsEchoedToTheSenderOnly() async throws {
        try await Self.with { world, one, two, _ in
            let frame = #"{"message":"once","client_id":"00000000-0000-0001-0000-000000000007"}"#
            let first = try await world.open(world.minsu, in: one)
            let other = try await world.open(world.jiwoo, in: two)
            first.send(frame)
            #expect(await eventually { first.seqs == [1] && other.seqs == [1] })
            let second = try await world.open(world.minsu, loop: 1, in: two)
            second.send(frame)
            #expect(await eventually { second.seqs == [1] })
            #expect(second.peer.frames == first.peer.frames)
            #expect(other.seqs == [1] && first.seqs == [1])
        }
    }

    // MARK: Announcements that nobody heard

    @Test func whatWasAppendedWhileThisProcessWasCutOffIsShownWhenItIsBack() async throws {
        try await Self.with { world, one, two, relay in
            let away = relay.other(1)
            let here = try await world.open(world.minsu, in: one)
            let there = try await world.open(world.jiwoo, loop: 1, in: two)
            _ = try await one.hub.append(world.draft("heard"))
            try await waitUntil { there.seqs == [1] }
            relay.isDeafToItems = true
            // More than one look shows.
            for number in 2...700 { _ = try await one.hub.append(world.draft("\(number)")) }
            relay.isDeafToItems = false
            away.returned()
            _ = await eventually { there.seqs.count >= 700 }
            let isWhole = there.seqs == Array(1...700)
            #expect(isWhole)
            _ = try await one.hub.append(world.draft("live"))
            _ = try await two.hub.append(world.draft("answer"))
            try await waitUntil { there.seqs.suffix(2) == [701, 702] && here.seqs.suffix(2) == [701, 702] }
            #expect(there.seqs.count == 702 && here.seqs.count == 702)
        }
    }

    @Test func whatADeadProcessDidNotAnnounceIsFoundAfterAWhile() async throws {
        try await Self.with(lookInterval: .milliseconds(80)) { world, one, two, relay in
            let there = try await world.open(world.jiwoo, loop: 1, in: two)
            relay.isDeafToItems = true
            for number in 1...3 { _ = try await one.hub.append(world.draft("\(number)")) }
            try await waitUntil { there.seqs == [1, 2, 3] }
            // A room that was looked after is looked after again.
            _ = try await one.hub.append(world.draft("4"))
            try await waitUntil { there.seqs == [1, 2, 3, 4] }
        }
    }

    @Test func aLookThatFailsIsRepeatedUntilItSucceeds() async throws {
        // Looks of failed ones come sixteen times as often.
        try await Self.with(lookInterval: .seconds(1)) { world, one, two, relay in
            let there = try await world.open(world.jiwoo, loop: 1, in: two)
            relay.isDeafToItems = true
            _ = try await one.hub.append(world.draft("unheard"))
            world.broker.isAway = true
            relay.other(1).returned()
            let reads = world.broker.readCount
            try await waitUntil { world.broker.readCount >= reads + 3 }
            #expect(there.seqs.isEmpty)
            world.broker.isAway = false
            try await waitUntil { there.seqs == [1] }
        }
    }

    @Test func aRoomThatWasKnownAndEmptyIsNotTakenForWhereItWas() async throws {
        try await Self.with { world, one, two, relay in
            let first = try await two.hub.append(world.draft("known"))
            relay.isDeafToItems = true
            for number in 2...4 { _ = try await one.hub.append(world.draft("\(number)")) }
            relay.isDeafToItems = false
            try await world.store.append(world.broker.messages(world.event))
            relay.other(1).returned()
            let back = try await world.open(world.jiwoo, since: first.messageID, loop: 1, in: two)
            try await waitUntil { back.seqs == [2, 3, 4] }
            // Also where the stream is lost before anybody comes: what was shown is not said anew.
            try await back.end()
            _ = try await two.hub.append(world.draft("5"))
            relay.other(1).returned()
            world.broker.loseEverything()
            let next = try await two.hub.append(world.draft("6"))
            #expect(next.seq == 6)
        }
    }

    /// The broker took it, the answer was lost, and a look shows it before the sender's process asks again.
    @Test func whoIsShownTheOwnMessageByALookGetsNoSecondOne() async throws {
        try await Self.with { world, one, _, relay in
            let sender = try await world.open(world.minsu, in: one)
            let other = try await world.open(world.jiwoo, in: one)
            for number in 1...5 {
                world.broker.fail(.storedButUnknown)
                sender.send(#"{"message":"m","client_id":"00000000-0000-0001-0000-00000000000\#(number)"}"#)
                try await waitUntil { world.broker.messages(world.event).count == number }
                relay.returned()
                try await waitUntil { sender.seqs.count >= number }
            }
            sender.send(#"{"message":"last"}"#)
            try await waitUntil { sender.seqs.last == 6 && other.seqs.last == 6 }
            #expect(sender.seqs == Array(1...6))
            #expect(other.seqs == Array(1...6))
        }
    }

    @Test func manyRoomsAreAskedForAFewAtATime() async throws {
        try await ChatWorld.with(loops: 1) { world in
            let relay = MemoryRelay()
            let (one, two) = (world.process(relay: relay), world.process(relay: relay.other(1)))
            relay.isDeafToItems = true
            let rooms = (Int64(1_000)..<1_300).map { EventID(rawValue: $0) }
            for room in rooms {
                await two.hub.prepare(event: room)
                MemoryPeer(loop: world.group.loops[0], audience: two.audience).join(room: room.rawValue)
                _ = try await one.hub.append(world.draft("unheard", event: room))
            }
            let empty = EventID(rawValue: 2_000)
            await two.hub.prepare(event: empty)
            let reads = world.broker.readCount
            relay.other(1).returned()
            try await waitUntil { rooms.allSatisfy { two.audience.frames($0.rawValue).count == 1 } }
            // One that finds the item and one that finds the end; none for the room without members.
            try await waitUntil { world.broker.readCount == reads + 600 }
            #expect(world.broker.readsAtOnceMax <= HubLimits().looksAtOnceMax)
        }
    }
}
