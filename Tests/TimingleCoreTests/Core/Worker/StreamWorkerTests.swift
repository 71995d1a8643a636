import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Over a nats-server of its own, because it is killed here.
@Suite(.enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"))
struct StreamWorkerTests {
    private struct World: Sendable {
        let server: PrivateNATS
        let client: JetStreamClient
        let group: EventLoopGroup
        let store = MemoryMessageStore()
        let rooms = MemoryRooms()

        func worker() -> StreamWorker<MessagePersister> {
            MessagePersister.worker(
                loop: self.group.loops[0],
                client: self.client,
                messages: self.store,
                marks: self.rooms,
                ackWait: .seconds(2),
                log: .silent
            )
        }

        func hub(_ audience: MemoryAudience = MemoryAudience(), connection: NATSConnection? = nil) -> Hub {
            Hub(
                group: self.group,
                audience: audience,
                broker: NATSMessageBroker(client: self.client),
                relay: NATSRoomRelay(connection: connection ?? self.client.connection),
                messages: self.store,
                marks: self.rooms,
                clock: SystemTestClock(),
                log: .silent
            )
        }
    }

    /// Each item is on the disk before it is acknowledged, and a disk may be busy.
    private func connect(_ server: PrivateNATS, publishTimeout: Duration = .seconds(30)) -> NATSConnection {
        self.connect(url: server.url, publishTimeout: publishTimeout)
    }

    private func connect(url: String, publishTimeout: Duration = .seconds(30)) -> NATSConnection {
        var configuration = NATSConfiguration(url: url)
        configuration.reconnectDelayMin = .milliseconds(20)
        configuration.reconnectDelayMax = .milliseconds(100)
        configuration.publishTimeout = publishTimeout
        return NATSConnection(configuration: configuration, log: .silent)
    }

    private func with(
        publishTimeout: Duration = .seconds(30),
        _ body: (World) async throws -> Void
    ) async throws {
        try await PrivateNATS.with { server in
            try await withEventLoopGroup(count: 2) { group in
                let connection = self.connect(server, publishTimeout: publishTimeout)
                let client = JetStreamClient(connection: connection, log: .silent)
                do {
                    try await client.ensureStreams(JetStreamTopology.streams())
                    try await body(World(server: server, client: client, group: group))
                } catch {
                    await connection.close()
                    throw error
                }
                await connection.close()
            }
        }
    }

    private func draft(_ event: EventID, _ text: String) -> RoomDraft {
        RoomDraft(eventID: event, senderID: UserID(rawValue: 1), senderName: "민수", text: text)
    }

    @Test func signalsReachTheOtherProcessesAndNotTheOwn() async throws {
        try await self.with { world in
            let second = self.connect(world.server)
            let relays = [
                NATSRoomRelay(connection: world.client.connection), NATSRoomRelay(connection: second),
            ]
            let heard = [Locked<[RoomSignal]>([]), Locked<[RoomSignal]>([])]
            for (relay, list) in zip(relays, heard) {
                relay.listen(signals: { signal in list.withLock { $0.append(signal) } })
            }
            let (event, user) = (EventID(rawValue: 5), UserID(rawValue: 6))
            // The first ones may come before the subscription.
            #expect(
                await eventually {
                    relays[0].signal(.evicted(event, user))
                    return heard[1].withLock { $0.contains(.evicted(event, user)) }
                }
            )
            relays[0].signal(.typing(event, user, name: "민\"수"))
            #expect(await eventually { heard[1].withLock { $0.contains(.typing(event, user, name: "민\"수")) } })
            #expect(heard[0].withLock { $0.isEmpty })
            await second.close()
        }
    }

    @Test func whatWasAppendedWhileAProcessHadLostTheBrokerIsShownThereWhenItIsBack() async throws {
        try await self.with { world in
            let proxy = try PausableProxy(toHost: "127.0.0.1", port: world.server.port)
            defer { proxy.close() }
            let second = self.connect(url: "nats://127.0.0.1:\(proxy.port)")
            try await waitUntil { second.isConnected }
            let (event, audience) = (EventID(rawValue: 9), MemoryAudience())
            let (here, there) = (world.hub(), world.hub(audience, connection: second))
            await there.prepare(event: event)
            MemoryPeer(loop: world.group.loops[0], audience: audience).join(room: event.rawValue)
            proxy.pause()
            proxy.dropAll()
            try await waitUntil { !second.isConnected }
            for number in 1...3 { _ = try await here.append(self.draft(event, "\(number)")) }
            #expect(audience.frames(event.rawValue).isEmpty)
            proxy.resume()
            try await waitUntil { audience.frames(event.rawValue).count == 3 }
            _ = try await here.append(self.draft(event, "live"))
            try await waitUntil { audience.frames(event.rawValue).count == 4 }
            await second.close()
        }
    }

    @Test func everythingIsStoredOnceAndInOrderThoughTheStoreFailsThreeTimes() async throws {
        try await self.with { world in
            let worker = world.worker()
            let hub = world.hub()
            world.store.failNext(3)
            worker.start()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for room in Int64(1)...4 {
                    tasks.addTask {
                        for number in 0..<100 {
                            _ = try await hub.append(self.draft(EventID(rawValue: room), "\(number)"))
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            for room in Int64(1)...4 {
                let event = EventID(rawValue: room)
                #expect(await eventually { world.store.messages(event).count == 100 })
                #expect(world.store.messages(event).map(\.text) == (0..<100).map { "\($0)" })
                #expect(await eventually { world.rooms.position(event)?.seq == 100 })
            }
            #expect(worker.counts.failures == 3)
            // In the order of the batches too: nothing of a room is stored before what stands before it.
            var last: [EventID: Int64] = [:]
            for message in world.store.batches.joined() {
                #expect(message.seq == last[message.eventID, default: 0] + 1)
                last[message.eventID] = message.seq
            }
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func whatCanNeverBeStoredIsPutAsideAndTheRestFlows() async throws {
        try await self.with { world in
            let worker = world.worker()
            let hub = world.hub()
            let event = EventID(rawValue: 3)
            world.store.refuse(text: "poison")
            _ = try await world.client.publish("chat.message.9", Array("not JSON".utf8), id: "bad")
            for text in ["a", "poison", "b"] { _ = try await hub.append(self.draft(event, text)) }
            worker.start()
            #expect(await eventually { world.store.messages(event).map(\.text) == ["a", "b"] })
            #expect(await eventually { worker.counts.deadLettered == 2 })
            let dead = try await world.client.lastMessage(stream: "CHAT_DEADLETTER", subject: "deadletter.chat")
            #expect(dead != nil)
            _ = try await hub.append(self.draft(event, "c"))
            #expect(await eventually { world.store.messages(event).count == 3 })
            let settings = JetStreamConsumerSettings(stream: "CHAT_MESSAGES", durable: "chat-worker")
            let isSettled = try await eventually {
                let lag = try await world.client.consumerState(settings)
                return lag.pending == 0 && lag.unacknowledged == 0
            }
            #expect(isSettled)
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func theWorkerGoesOnAfterTheServerWasKilled() async throws {
        try await self.with(publishTimeout: .seconds(1)) { world in
            let worker = world.worker()
            let hub = world.hub()
            let event = EventID(rawValue: 5)
            worker.start()
            var sent: [String] = []
            for number in 0..<150 {
                if number == 50 || number == 100 {
                    world.server.kill()
                    try await world.server.start()
                }
                // Retryable errors are tried again, as a client would, with the same client id.
                var draft = self.draft(event, "\(number)")
                draft.clientID = ClientMessageID(rawValue: Identifier128(high: 5, low: UInt64(number)))
                let attempt = draft
                let isSent = await eventually {
                    do {
                        _ = try await hub.append(attempt)
                        return true
                    } catch {
                        return false
                    }
                }
                #expect(isSent)
                sent.append("\(number)")
            }
            #expect(await eventually { world.store.messages(event).count == 150 })
            #expect(world.store.messages(event).map(\.text) == sent)
            #expect(world.store.messages(event).map(\.seq) == Array(1...150))
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func twoWorkersShareTheWorkAndADrainedOneLeavesNothingBehind() async throws {
        try await self.with { world in
            let first = world.worker()
            let second = world.worker()
            let hub = world.hub()
            first.start()
            second.start()
            let event = EventID(rawValue: 6)
            for number in 0..<200 {
                _ = try await hub.append(self.draft(event, "\(number)"))
                if number == 100 { await first.drain(deadline: .seconds(5)) }
            }
            #expect(await eventually { world.store.messages(event).count == 200 })
            await second.drain(deadline: .seconds(5))
            #expect(first.counts.stored + second.counts.stored >= 200)
        }
    }

    @Test func twoRivalHubsMakeOneOrderWithoutGapsAndShowItToBothAudiences() async throws {
        try await self.with { world in
            let other = self.connect(world.server)
            #expect(await eventually { other.isConnected })
            let audiences = [MemoryAudience(), MemoryAudience()]
            let hubs = [
                world.hub(audiences[0]),
                world.hub(audiences[1], connection: other),
            ]
            let event = EventID(rawValue: 8)
            for (hub, audience) in zip(hubs, audiences) {
                await hub.prepare(event: event)
                // A member, so that the room is listened to.
                MemoryPeer(loop: world.group.loops[0], audience: audience).join(room: event.rawValue)
            }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (index, hub) in hubs.enumerated() {
                    tasks.addTask {
                        for number in 0..<1_000 {
                            _ = try await hub.append(self.draft(event, "\(index)/\(number)"))
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            let expected = Array(Int64(1)...2_000)
            for audience in audiences {
                #expect(await eventually { audience.frames(event.rawValue).count == 2_000 })
                let seqs = audience.frames(event.rawValue).compactMap { frame -> Int64? in
                    guard case .object(let fields)? = try? JSONReader.parse(Array(frame.utf8)) else { return nil }
                    return fields["seq"]?.integerValue
                }
                #expect(seqs == expected)
            }
            #expect(audiences[0].frames(event.rawValue) == audiences[1].frames(event.rawValue))
            await other.close()
        }
    }
}

/// The time of day.
private struct SystemTestClock: WallClock {
    func now() -> Timestamp {
        Timestamp(milliseconds: 1_768_471_200_000 + Int64((MonotonicInstant.now - testStart) / .milliseconds(1)))
    }
}

private let testStart = MonotonicInstant.now
