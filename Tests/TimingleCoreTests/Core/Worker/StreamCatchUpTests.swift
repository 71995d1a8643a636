import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Over a nats-server of its own; the ack wait is so long that nothing in these tests comes again by itself.
@Suite(
    .enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"),
    .timeLimit(.minutes(2))
)
struct StreamCatchUpTests {
    private struct World: Sendable {
        let server: PrivateNATS
        let client: JetStreamClient
        let group: EventLoopGroup
        let store = MemoryMessageStore()
        let rooms = MemoryRooms()
        let event = EventID(rawValue: 7)
        let ackWait: Duration

        var consumer: JetStreamConsumerSettings {
            var settings = JetStreamConsumerSettings(stream: "CHAT_MESSAGES", durable: "chat-worker")
            settings.ackWait = self.ackWait
            return settings
        }

        func worker(limits: StreamWorkerLimits = StreamWorkerLimits()) -> StreamWorker<MessagePersister> {
            MessagePersister.worker(
                loop: self.group.loops[0],
                client: self.client,
                messages: self.store,
                marks: self.rooms,
                limits: limits,
                ackWait: self.ackWait,
                log: .silent
            )
        }

        func publish(_ seqs: ClosedRange<Int64>) async throws {
            for seq in seqs {
                let payload = RoomRecord.encode(.sample(event: self.event, seq: seq))
                _ = try await self.client.publish("chat.message.\(self.event)", payload, id: "\(seq)")
            }
        }

        /// A worker that asked for so many, got them, and was killed.
        func dieWith(_ count: Int) async throws {
            try await self.client.ensureConsumer(self.consumer)
            let inbox = self.client.connection.makeInbox()
            let got = Locked(0)
            self.client.connection.subscribe(inbox) { message in
                if message.status == nil { got.withLock { $0 += 1 } }
            }
            let body = Array("{\"batch\":\(count)}".utf8)
            let subject = "$JS.API.CONSUMER.MSG.NEXT.CHAT_MESSAGES.chat-worker"
            self.client.connection.publish(NATSOutgoing(subject: subject, reply: inbox, payload: body))
            try await waitUntil { got.withLock { $0 } == count }
        }

        var storedSeqs: [Int64] { self.store.messages(self.event).map(\.seq) }
    }

    private func with(
        ackWait: Duration = .seconds(60),
        _ body: (World) async throws -> Void
    ) async throws {
        try await PrivateNATS.with { server in
            try await withEventLoopGroup(count: 2) { group in
                var configuration = NATSConfiguration(url: server.url)
                configuration.reconnectDelayMin = .milliseconds(20)
                configuration.reconnectDelayMax = .milliseconds(100)
                configuration.publishTimeout = .seconds(30)
                let connection = NATSConnection(configuration: configuration, log: .silent)
                let client = JetStreamClient(connection: connection, log: .silent)
                do {
                    try await client.ensureStreams(JetStreamTopology.streams())
                    try await body(World(server: server, client: client, group: group, ackWait: ackWait))
                } catch {
                    await connection.close()
                    throw error
                }
                await connection.close()
            }
        }
    }

    @Test func whatAKilledWorkerHadIsStoredBeforeWhatCameLater() async throws {
        try await self.with { world in
            try await world.publish(1...30)
            try await world.dieWith(25)
            let worker = world.worker()
            let isCaughtUp = Locked(false)
            worker.start { isCaughtUp.withLock { $0 = true } }
            try await waitUntil { isCaughtUp.withLock { $0 } }
            // What the process says it has is there, the part that nobody was given as well.
            #expect(worker.hasLookedBack)
            #expect(world.storedSeqs == Array(1...30))
            #expect(world.store.batches.joined().prefix(30).map(\.seq) == Array(1...30))
            #expect(worker.counts.caughtUp == 25)
            #expect(worker.counts.stored == 5)
            // Only the broker may forget them, and it has not been told yet.
            let state = try await world.client.consumerState(world.consumer)
            #expect(state.unacknowledged == 25)
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func whatComesAgainIsAcknowledgedAndThereOnce() async throws {
        try await self.with(ackWait: .seconds(2)) { world in
            try await world.publish(1...12)
            try await world.dieWith(12)
            let worker = world.worker()
            worker.start()
            try await waitUntil { world.storedSeqs == Array(1...12) }
            try await waitUntil {
                let state = try await world.client.consumerState(world.consumer)
                return state.unacknowledged == 0 && state.pending == 0
            }
            #expect(worker.counts.redelivered == 12)
            #expect(world.storedSeqs == Array(1...12))
            #expect(world.rooms.position(world.event)?.seq == 12)
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func poisonIsLeftToTheOrdinaryWayAndTheRestIsStored() async throws {
        try await self.with(ackWait: .seconds(2)) { world in
            try await world.publish(1...3)
            _ = try await world.client.publish("chat.message.9", Array("not JSON".utf8), id: "bad")
            try await world.publish(4...6)
            let bad = RoomRecord.encode(.sample(event: world.event, seq: 7, text: "poison"))
            _ = try await world.client.publish("chat.message.\(world.event)", bad, id: "poison")
            try await world.publish(8...9)
            world.store.refuse(text: "poison")
            try await world.dieWith(10)
            let worker = world.worker()
            worker.start()
            try await waitUntil { worker.hasLookedBack }
            #expect(world.storedSeqs == [1, 2, 3, 4, 5, 6, 8, 9])
            #expect(worker.counts.caughtUp == 8)
            #expect(worker.counts.deadLettered == 0)
            try await waitUntil { worker.counts.deadLettered == 2 }
            try await waitUntil { try await world.client.consumerState(world.consumer).unacknowledged == 0 }
            #expect(world.storedSeqs == [1, 2, 3, 4, 5, 6, 8, 9])
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func aStoreThatIsAwayIsNotWaitedForAndTheOrderStays() async throws {
        try await self.with { world in
            try await world.publish(1...8)
            try await world.dieWith(5)
            world.store.isAway = true
            var limits = StreamWorkerLimits()
            limits.retryDelayMax = .milliseconds(200)
            let worker = world.worker(limits: limits)
            let isCaughtUp = Locked(false)
            worker.start { isCaughtUp.withLock { $0 = true } }
            try await waitUntil { worker.hasLookedBack }
            #expect(!isCaughtUp.withLock { $0 })
            world.store.isAway = false
            try await waitUntil { isCaughtUp.withLock { $0 } }
            #expect(world.store.batches.joined().map(\.seq) == Array(1...8))
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func whatIsTooMuchIsLeftToTheAckWait() async throws {
        try await self.with(ackWait: .seconds(2)) { world in
            try await world.publish(1...100)
            try await world.dieWith(100)
            var limits = StreamWorkerLimits()
            limits.catchUpCountMax = 20
            limits.batchSizeMax = 16
            let worker = world.worker(limits: limits)
            let isCaughtUp = Locked(false)
            worker.start { isCaughtUp.withLock { $0 = true } }
            try await waitUntil { worker.hasLookedBack }
            #expect(worker.counts.caughtUp == 32)
            #expect(world.storedSeqs.starts(with: 1...32))
            try await waitUntil { isCaughtUp.withLock { $0 } }
            #expect(world.storedSeqs == Array(1...100))
            await worker.drain(deadline: .seconds(5))
        }
    }

    /// Two living ones: each finds what the other has in hand, and stores it as well.
    @Test func anothersItemsAreStoredTwiceAndAreThereOnce() async throws {
        try await self.with { world in
            try await world.publish(1...40)
            try await world.dieWith(20)
            let workers = [world.worker(), world.worker(), world.worker()]
            for worker in workers { worker.start() }
            for worker in workers { try await waitUntil { worker.hasLookedBack } }
            try await waitUntil { world.storedSeqs.count == 40 }
            #expect(world.storedSeqs == Array(1...40))
            #expect(world.rooms.position(world.event)?.seq == 40)
            for worker in workers { await worker.drain(deadline: .seconds(5)) }
        }
    }

    @Test func aBrokerThatComesBackIsLookedAtAgain() async throws {
        try await self.with { world in
            let worker = world.worker()
            worker.start()
            try await world.publish(1...5)
            try await waitUntil { world.storedSeqs.count == 5 }
            // The worker's own pull is ended by the new connection; somebody else's items are found then.
            world.server.kill()
            try await world.server.start()
            try await waitUntil { world.client.connection.isConnected }
            try await waitUntil {
                do throws(NATSError) {
                    return try await world.client.consumerState(world.consumer).deliveredUpTo >= 5
                } catch {
                    return false
                }
            }
            try await world.publish(6...9)
            try await waitUntil { world.storedSeqs == Array(1...9) }
            await worker.drain(deadline: .seconds(5))
        }
    }

    @Test func drainingEndsARoundThatCannotEndByItself() async throws {
        try await self.with { world in
            try await world.publish(1...5)
            try await world.dieWith(5)
            world.store.isAway = true
            let worker = world.worker()
            worker.start()
            try await waitUntil { worker.hasLookedBack }
            let start = ContinuousClock.now
            await worker.drain(deadline: .seconds(20))
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(world.storedSeqs.isEmpty)
        }
    }

    @Test func aWorkerThatWasEndedBeforeItBeganDoesNothing() async throws {
        try await self.with { world in
            try await world.publish(1...3)
            let worker = world.worker()
            await worker.drain(deadline: .seconds(5))
            worker.start()
            // The loop has done what it was asked to.
            try await world.group.loops[0].enter {}
            #expect(!worker.hasLookedBack)
            #expect(world.storedSeqs.isEmpty)
        }
    }
}
