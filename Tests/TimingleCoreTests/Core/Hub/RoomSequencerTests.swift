import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Through the hub, over a scripted broker.
struct RoomSequencerTests {
    @Test func seqIsGaplessAndTimeGrowsAlsoWhenTheClockStandsOrStepsBack() async throws {
        try await ChatWorld.with { world in
            for number in 0..<20 {
                if number == 10 { world.clock.advance(by: .seconds(-60)) }
                _ = try await world.hub.append(world.draft("\(number)"))
            }
            let messages = world.broker.messages(world.event)
            #expect(messages.map(\.seq) == Array(1...20))
            #expect(messages.map(\.ordinal) == Array(1...20))
            #expect(zip(messages, messages.dropFirst()).allSatisfy { $0.createdAt < $1.createdAt })
            #expect(Set(messages.map(\.messageID)).count == 20)
        }
    }

    @Test func systemLinesHaveASeqButNoOrdinal() async throws {
        try await ChatWorld.with { world in
            _ = try await world.hub.append(world.draft("a"))
            var line = world.draft("line")
            line.type = .system
            _ = try await world.hub.append(line)
            let last = try await world.hub.append(world.draft("b"))
            #expect(last.seq == 3)
            #expect(last.ordinal == 2)
        }
    }

    @Test func manyAtOnceKeepTheirOrderOfArrivalPerRoom() async throws {
        try await ChatWorld.with { world in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for room in Int64(1)...8 {
                    tasks.addTask {
                        for number in 0..<25 {
                            let draft = world.draft("\(number)", event: EventID(rawValue: room))
                            _ = try await world.hub.append(draft)
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            for room in Int64(1)...8 {
                let messages = world.broker.messages(EventID(rawValue: room))
                #expect(messages.map(\.seq) == Array(1...25))
                #expect(messages.map(\.text) == (0..<25).map { "\($0)" })
            }
        }
    }

    @Test func aRivalWhoWasFirstIsGivenWay() async throws {
        try await ChatWorld.with { world in
            world.broker.fail(.rivalFirst, .rivalFirst, .rivalFirst)
            let message = try await world.hub.append(world.draft("mine"))
            #expect(message.seq == 4)
            #expect(world.broker.messages(world.event).map(\.seq) == [1, 2, 3, 4])
        }
    }

    @Test(arguments: [MemoryBroker.Fault.storedButUnknown, .lostAndUnknown])
    func anUnknownOutcomeIsTriedAgainAndIsThereOnce(fault: MemoryBroker.Fault) async throws {
        try await ChatWorld.with { world in
            world.broker.fail(fault)
            let message = try await world.hub.append(world.draft("once"))
            let stored = world.broker.messages(world.event)
            #expect(stored.count == 1)
            #expect(stored.first?.messageID == message.messageID)
            #expect(world.audience.frames(world.event.rawValue).count == 1)
            let next = try await world.hub.append(world.draft("next"))
            #expect(next.seq == 2)
        }
    }

    @Test(arguments: [MemoryBroker.Fault.unavailable, .rejected])
    func whatTheBrokerRefusesIsRetryableAndShownToNobody(fault: MemoryBroker.Fault) async throws {
        try await ChatWorld.with { world in
            world.broker.fail(fault)
            let error = await world.error { () throws(ServiceError) in try await world.hub.append(world.draft("x")) }
            #expect(error?.code == "MESSAGE_NOT_SENT")
            #expect(error?.isRetryable == true)
            #expect(world.audience.frames(world.event.rawValue).isEmpty)
            let message = try await world.hub.append(world.draft("y"))
            #expect(message.seq == 1)
        }
    }

    @Test func aColdRoomStartsBehindTheStoreWhenTheStreamWasLost() async throws {
        try await ChatWorld.with { world in
            try await world.store.append((1...41).map { .sample(event: world.event, seq: Int64($0)) })
            let message = try await world.hub.append(world.draft("after the loss"))
            #expect(message.seq == 42)
            #expect(message.ordinal == 42)
            // The same when the room is warm and the broker loses everything.
            world.broker.loseEverything()
            let next = try await world.hub.append(world.draft("again"))
            #expect(next.seq == 43)
        }
    }

    /// Who asks where the room is may be answered late, when members were shown more.
    @Test func aLateAnswerDoesNotTakeTheRoomBack() async throws {
        try await ChatWorld.with { world in
            let store = SlowToTell(store: world.store)
            let hub = Hub(
                group: world.group,
                audience: world.audience,
                broker: world.broker,
                relay: world.broker,
                messages: store,
                marks: world.rooms,
                clock: world.clock,
                log: .silent
            )
            await store.gate.holdNext()
            async let prepared: Void = hub.prepare(event: world.event)
            try await waitUntil { await store.gate.isHolding }
            for seq in Int64(1)...3 {
                let message = try await hub.append(world.draft("\(seq)"))
                #expect(message.seq == seq)
            }
            await store.gate.open()
            await prepared
            world.broker.loseEverything()
            let next = try await hub.append(world.draft("after the loss"))
            #expect(next.seq == 4 && next.ordinal == 4)
        }
    }

    @Test func aColdRoomNeedsTheStoreOnlyWhenTheStreamIsEmpty() async throws {
        try await ChatWorld.with { world in
            world.store.isAway = true
            world.rooms.isAway = true
            let error = await world.error { () throws(ServiceError) in try await world.hub.append(world.draft("x")) }
            #expect(error?.isRetryable == true)
            let other = EventID(rawValue: 5)
            let record = RoomRecord.encode(.sample(event: other, seq: 9))
            _ = try await world.broker.append(event: other, payload: record, key: "k", expectedLast: 0)
            let message = try await world.hub.append(world.draft("y", event: other))
            #expect(message.seq == 10)
        }
    }

    @Test func aColdRoomWithAnEmptyStreamGoesOnBehindItsMarksWhileTheStoreIsAway() async throws {
        try await ChatWorld.with { world in
            world.store.isAway = true
            let first = try await world.hub.append(world.draft("never used"))
            #expect(first.seq == 1 && first.ordinal == 1)
            let other = EventID(rawValue: 5)
            let position = RoomPosition(seq: 9, ordinal: 7, createdAt: world.clock.now() + .seconds(60))
            try await world.rooms.advanceRooms([other: position])
            let next = try await world.hub.append(world.draft("after a day", event: other))
            #expect(next.seq == 10 && next.ordinal == 8 && next.createdAt > position.createdAt)
        }
    }

    @Test func theSameClientIDIsTheSameMessageFromMemoryFromTheBrokerAndFromTheStore() async throws {
        try await ChatWorld.with { world in
            let first = try await world.hub.append(world.draft("a", client: 1))
            let again = try await world.hub.append(world.draft("a", client: 1))
            #expect(again == first)
            #expect(world.broker.appendCount == 1)

            // Another process of ours: its memory is empty, the broker's window is not.
            let twin = Hub(
                group: world.group,
                audience: MemoryAudience(),
                broker: world.broker,
                relay: MemoryBroker(),
                messages: world.store,
                marks: world.rooms,
                clock: world.clock,
                log: .silent
            )
            let elsewhere = try await twin.append(world.draft("a", client: 1))
            #expect(elsewhere == first)
            #expect(world.broker.messages(world.event).count == 1)

            // Years later: only the store knows.
            try await world.store.append([first])
            world.broker.loseEverything()
            let late = try await twin.append(world.draft("a", client: 1))
            #expect(late == first)
            #expect(world.broker.messages(world.event).isEmpty)
        }
    }

    @Test func aFullRoomRefusesAndRecovers() async throws {
        var limits = HubLimits()
        limits.pendingPerRoomMax = 4
        try await ChatWorld.with(limits: limits) { world in
            let outcomes = await withTaskGroup(of: String.self) { tasks in
                for number in 0..<64 {
                    tasks.addTask {
                        let error = await world.error { () throws(ServiceError) in
                            try await world.hub.append(world.draft("\(number)"))
                        }
                        return error?.code ?? "ok"
                    }
                }
                return await tasks.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes.keys.allSatisfy { $0 == "ok" || $0 == "ROOM_BUSY" })
            let sent = outcomes["ok"] ?? 0
            #expect(world.broker.messages(world.event).map(\.seq) == Array(1...Int64(sent)))
            _ = try await world.hub.append(world.draft("after"))
        }
    }

    @Test func drainingRefusesNewDraftsAndWaitsForTheOthers() async throws {
        try await ChatWorld.with { world in
            _ = try await world.hub.append(world.draft("a"))
            await world.hub.drain(deadline: .seconds(1))
            let error = await world.error { () throws(ServiceError) in try await world.hub.append(world.draft("b")) }
            #expect(error?.code == "MESSAGE_NOT_SENT")
            var line = world.draft("the worker's last line")
            line.type = .system
            _ = try await world.hub.append(line)
        }
    }
}

/// A store that tells how far a room is when the test lets it.
private struct SlowToTell: MessageStore {
    /// Holds the next one who passes.
    actor Gate {
        private var holdsNext = false
        private var held: CheckedContinuation<Void, Never>?

        var isHolding: Bool { self.held != nil }

        func holdNext() { self.holdsNext = true }

        func pass() async {
            guard self.holdsNext else { return }
            self.holdsNext = false
            await withCheckedContinuation { self.held = $0 }
        }

        func open() {
            self.held?.resume()
            self.held = nil
        }
    }

    let store: MemoryMessageStore
    let gate = Gate()

    func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        let position = try await self.store.position(event: event)
        await self.gate.pass()
        return position
    }

    func append(_ messages: [ChatMessage]) async throws(StoreError) { try await self.store.append(messages) }

    func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] {
        try await self.store.page(event: event, before: seq, limit: limit)
    }

    func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] {
        try await self.store.page(event: event, after: seq, limit: limit)
    }

    func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage? {
        try await self.store.message(event: event, id: id)
    }

    func message(
        event: EventID,
        sender: UserID,
        clientID: ClientMessageID
    ) async throws(StoreError) -> ChatMessage? {
        try await self.store.message(event: event, sender: sender, clientID: clientID)
    }
}
