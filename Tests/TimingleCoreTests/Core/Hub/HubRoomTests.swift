import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct HubRoomTests {
    private func append(_ world: ChatWorld, _ seq: Int64, after last: UInt64) async throws -> BrokerItem {
        let payload = RoomRecord.encode(.sample(event: world.event, seq: seq))
        let receipt = try await world.broker.append(
            event: world.event,
            payload: payload,
            key: "remote \(seq)",
            expectedLast: last
        )
        return BrokerItem(sequence: receipt.sequence, payload: payload)
    }

    @Test func whatOtherProcessesAppendIsShownInOrderAndOnce() async throws {
        try await ChatWorld.with { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            let one = try await self.append(world, 1, after: 0)
            let two = try await self.append(world, 2, after: one.sequence)
            let three = try await self.append(world, 3, after: two.sequence)
            for item in [two, one, one, three, two] { world.broker.deliver(world.event, item) }
            #expect(await eventually { session.seqs == [1, 2, 3] })
            let own = try await world.hub.append(world.draft("own"))
            #expect(own.seq == 4)
            #expect(await eventually { session.seqs == [1, 2, 3, 4] })
        }
    }

    @Test func whatAnAnnouncementLostIsFetchedFromTheStream() async throws {
        try await ChatWorld.with { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            let one = try await self.append(world, 1, after: 0)
            let two = try await self.append(world, 2, after: one.sequence)
            let three = try await self.append(world, 3, after: two.sequence)
            world.broker.deliver(world.event, three)
            #expect(await eventually { session.seqs == [1, 2, 3] })
        }
    }

    /// More than may wait, and more than is fetched at a time.
    @Test func howeverMuchIsMissingAllOfItIsFetchedInOrder() async throws {
        var limits = HubLimits()
        limits.gapPatience = .milliseconds(5)
        try await ChatWorld.with(limits: limits) { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            var last: UInt64 = 0
            for seq in Int64(1)...1_000 { last = try await self.append(world, seq, after: last).sequence }
            world.broker.deliver(world.event, try await self.append(world, 1_001, after: last))
            _ = await eventually { session.seqs.count >= 1_001 }
            let isWhole = session.seqs == Array(1...1_001)
            #expect(isWhole)
        }
    }

    @Test func whatCameWhileTooMuchWaitedIsFetchedToo() async throws {
        var limits = HubLimits()
        limits.gapPatience = .milliseconds(5)
        try await ChatWorld.with(limits: limits) { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            var items: [BrokerItem] = []
            for seq in Int64(1)...700 {
                items.append(try await self.append(world, seq, after: items.last?.sequence ?? 0))
            }
            for item in items.dropFirst() { world.broker.deliver(world.event, item) }
            _ = await eventually { session.seqs.count >= 700 }
            let isWhole = session.seqs == Array(1...700)
            #expect(isWhole)
        }
    }

    /// Two writers, announcements in any order, some twice and some never.
    @Test(arguments: UInt64(1)...12)
    func whateverAnnouncementsDoAllIsShownOnceAndInOrder(seed: UInt64) async throws {
        var limits = HubLimits()
        limits.gapPatience = .milliseconds(2)
        try await ChatWorld.with(loops: 1, limits: limits) { world in
            var generator = SeededGenerator(seed: seed)
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            var last: UInt64 = 0
            var seq: Int64 = 0
            for _ in 0..<6 {
                var announced: [BrokerItem] = []
                for _ in 0..<Int.random(in: 1...250, using: &generator) {
                    seq += 1
                    let item = try await self.append(world, seq, after: last)
                    last = item.sequence
                    for _ in 0..<[0, 0, 1, 1, 1, 2, 3].randomElement(using: &generator)! { announced.append(item) }
                }
                for item in announced.shuffled(using: &generator) {
                    world.broker.deliver(world.event, item)
                    if Int.random(in: 0..<40, using: &generator) == 0 { await Task.yield() }
                }
                if Bool.random(using: &generator) {
                    // Ours goes behind all that the stream has.
                    let own = try await world.hub.append(world.draft("own"))
                    #expect(own.seq == seq + 1)
                    seq = own.seq
                    last = try await world.broker.last(event: world.event)?.sequence ?? 0
                }
            }
            let end = try await self.append(world, seq + 1, after: last)
            world.broker.deliver(world.event, end)
            _ = await eventually { session.seqs.last == seq + 1 }
            let isWhole = session.seqs == Array(1...seq + 1)
            #expect(isWhole, "seed \(seed)")
        }
    }

    /// What a store will put aside is no history, and must not be remembered as if it were.
    @Test func whatCanNeverBeStoredIsNotFetchedIntoAGap() async throws {
        try await ChatWorld.with { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            let one = try await self.append(world, 1, after: 0)
            world.broker.deliver(world.event, one)
            var last = one.sequence
            let poison = [
                Array("no item".utf8),
                RoomRecord.encode(.sample(event: world.event, seq: 2, text: "a\u{0}b")),
                RoomRecord.encode(.sample(event: world.event, seq: 2, text: String(repeating: "가", count: 30_000))),
            ]
            for (number, payload) in poison.enumerated() {
                last = try await world.broker.append(
                    event: world.event,
                    payload: payload,
                    key: "poison \(number)",
                    expectedLast: last
                ).sequence
            }
            world.broker.deliver(world.event, try await self.append(world, 3, after: last))
            #expect(await eventually { session.seqs == [1, 3] })
            let remembered = await world.hub.remembered(event: world.event, above: 0, below: .max)
            #expect(remembered.map(\.seq) == [3])
        }
    }

    @Test func aGapThatCannotBeFilledHoldsTheRoomUpForAMomentOnly() async throws {
        var limits = HubLimits()
        limits.gapPatience = .milliseconds(5)
        try await ChatWorld.with(limits: limits) { world in
            await world.hub.prepare(event: world.event)
            let session = try await world.open(world.minsu)
            world.broker.isAway = true
            let item = BrokerItem(sequence: 9, payload: RoomRecord.encode(.sample(event: world.event, seq: 7)))
            world.broker.deliver(world.event, item)
            #expect(await eventually { session.seqs == [7] })
        }
    }

    /// Who came while the broker was away is in a room of which nobody knows how far it is.
    @Test func anOwnItemWhoseAnswerIsAwaitedIsNotTakenForOneThatTheMembersHave() async throws {
        try await ChatWorld.with { world in
            world.broker.isAway = true
            await world.hub.prepare(event: world.event)
            let (sender, other) = (try await world.open(world.minsu), try await world.open(world.jiwoo))
            world.broker.isAway = false
            world.broker.fail(.storedButUnknown)
            async let placed = world.hub.place(world.draft("mine", client: 1))
            try await waitUntil { world.broker.messages(world.event).count == 1 }
            world.broker.mayHaveLostAnnouncements()
            let isRepeat = try await placed.isRepeat
            #expect(!isRepeat)
            try await waitUntil { sender.seqs == [1] && other.seqs == [1] }
            _ = try await world.hub.append(world.draft("next"))
            try await waitUntil { sender.seqs == [1, 2] && other.seqs == [1, 2] }
        }
    }

    @Test func aRoomThatIsEnteredWithoutAPositionGetsOne() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            try await waitUntil { world.broker.lastCount > 0 }
            let one = try await self.append(world, 1, after: 0)
            let two = try await self.append(world, 2, after: one.sequence)
            world.broker.deliver(world.event, two)
            try await waitUntil { session.seqs == [1, 2] }
        }
    }

    @Test func foreignAnnouncementsAreIgnored() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            world.broker.deliver(world.event, BrokerItem(sequence: 1, payload: [1, 2, 3]))
            let other = RoomRecord.encode(.sample(event: EventID(rawValue: 4), seq: 1))
            world.broker.deliver(world.event, BrokerItem(sequence: 1, payload: other))
            let own = try await world.hub.append(world.draft("own"))
            #expect(await eventually { session.seqs == [own.seq] })
        }
    }

    /// What was put aside is missing for ever; who comes back is not kept waiting for it.
    @Test func anOldHoleDoesNotDelayWhoComesBack() async throws {
        try await ChatWorld.with { world in
            var sent: [ChatMessage] = []
            for number in 1...10 { sent.append(try await world.hub.append(world.draft("\(number)"))) }
            try await world.store.append(sent.filter { $0.seq != 6 })
            world.clock.advance(by: .seconds(60))
            let looks = world.store.reads
            let session = try await world.open(
                world.jiwoo,
                since: sent[2].messageID,
                in: world.process(relay: world.broker)
            )
            try await waitUntil { session.seqs == [4, 5, 7, 8, 9, 10] }
            // For the position, the message it is to go on from, and what is missed: behind a look in vain comes a
            // pause.
            #expect(world.store.reads - looks == 3)
        }
    }

    @Test func roomsThatNobodyUsesAreForgotten() async throws {
        var limits = HubLimits()
        limits.roomsPerLoopMax = 16
        try await ChatWorld.with(loops: 1, limits: limits) { world in
            let session = try await world.open(world.minsu)
            _ = try await world.hub.append(world.draft("first"))
            for room in Int64(1_000)..<1_200 {
                _ = try await world.hub.append(world.draft("x", event: EventID(rawValue: room)))
            }
            // The room with a member is still known, an old one without is not.
            let kept = await world.hub.remembered(event: world.event, above: 0, below: .max)
            #expect(kept.count == 1)
            let forgotten = await world.hub.remembered(event: EventID(rawValue: 1_000), above: 0, below: .max)
            #expect(forgotten.isEmpty)
            let again = try await world.hub.append(world.draft("y", event: EventID(rawValue: 1_000)))
            #expect(again.seq == 2)
            #expect(session.peer.isIn)
        }
    }

    @Test func roomsThatAreAllInUseAreNotLookedThroughForEachNewOne() async throws {
        var limits = HubLimits()
        limits.roomsPerLoopMax = 16
        try await ChatWorld.with(loops: 1, limits: limits) { world in
            for room in Int64(1_000)..<1_200 {
                let peer = MemoryPeer(loop: world.group.loops[0], audience: world.audience)
                peer.join(room: room)
                _ = try await world.hub.append(world.draft("x", event: EventID(rawValue: room)))
            }
            // One look through all of them at 16 rooms, 20, 25 and so on; one at each would count 20,000.
            #expect(world.audience.countsTaken < 2_000)
            let first = await world.hub.remembered(event: EventID(rawValue: 1_000), above: 0, below: .max)
            #expect(first.count == 1)
        }
    }
}
