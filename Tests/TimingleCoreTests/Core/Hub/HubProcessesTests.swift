import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Two hubs as two processes: one relay, one broker, one store.
struct HubProcessesTests {
    private static func with(
        _ body: (_ world: ChatWorld, _ one: ChatProcess, _ two: ChatProcess, _ relay: MemoryRelay) async throws -> Void
    ) async throws {
        var limits = HubLimits()
        limits.markInterval = .milliseconds(30)
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
}
