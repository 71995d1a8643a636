import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// The evidence and the line of a change, over each kind of store.
@Suite(.timeLimit(.minutes(2)))
struct HistoryRecorderTests {
    enum Kind: String, Sendable, CaseIterable {
        case memory
        case postgres
        case cql

        static var all: [Kind] {
            allCases.filter { kind in
                switch kind {
                case .memory: true
                case .postgres: TestServices.hasDatabase
                case .cql: TestServices.hasCQL
                }
            }
        }
    }

    private func withRoom(
        _ kind: Kind,
        _ body: (any MessageStore, EventID, EventLoopGroup) async throws -> Void
    ) async throws {
        switch kind {
        case .memory:
            try await withEventLoopGroup(count: 1) { try await body(MemoryMessageStore(), EventID(rawValue: 7), $0) }
        case .postgres:
            try await EventWorld.with(.postgres) { world in
                let start = Timestamp(milliseconds: 1_768_500_000_000)
                let mina = try await world.person("미나")
                let draft = EventDraft(title: "방", startTime: start, endTime: start)
                let event = try await world.service.create(draft, by: mina).details.event.id
                let store = PostgresMessageRepository(client: try #require(world.client))
                try await withEventLoopGroup(count: 1) { try await body(store, event, $0) }
            }
        case .cql:
            try await withTestStores { stores, group in try await body(stores.messages, .unused(), group) }
        }
    }

    /// A recorder in a process of its own, which remembers nothing.
    private func recorder(
        _ messages: any MessageStore,
        _ broker: MemoryBroker,
        _ group: EventLoopGroup
    ) -> HistoryRecorder {
        let hub = Hub(
            group: group,
            audience: MemoryAudience(),
            broker: broker,
            relay: broker,
            messages: messages,
            marks: MemoryRooms(),
            clock: ManualWallClock(),
            log: .silent
        )
        return HistoryRecorder(history: MemoryHistoryStore(), rooms: hub)
    }

    @Test(arguments: Kind.all)
    func aChangeThatComesAgainAfterTheBrokersWindowIsToldOfOnce(_ kind: Kind) async throws {
        try await self.withRoom(kind) { messages, event, group in
            let broker = MemoryBroker()
            let changes = [
                EventChange.sample(UInt64.random(in: 1...(.max >> 2)), event: event),
                EventChange.sample(UInt64.random(in: 1...(.max >> 2)), event: event, type: .confirmed),
            ]
            try await self.recorder(messages, broker, group).store(changes)
            let lines = broker.messages(event)
            #expect(lines.map(\.seq) == [1, 2])
            #expect(lines.allSatisfy { $0.senderID == .system && $0.clientID != nil })
            try await messages.append(lines)
            broker.forgetKeys()
            try await self.recorder(messages, broker, group).store(changes)
            #expect(broker.messages(event) == lines)
            // Where it was said again all the same, the store has it once.
            let second = lines.map { line in
                ChatMessage(
                    eventID: event,
                    seq: line.seq + 2,
                    ordinal: 0,
                    createdAt: line.createdAt + .seconds(1),
                    messageID: MessageID(rawValue: Identifier128(high: 5, low: .random(in: 0 ... .max))),
                    clientID: line.clientID,
                    senderID: .system,
                    senderName: line.senderName,
                    text: line.text,
                    type: .system
                )
            }
            try await messages.append(second)
            let stored = try await messages.page(event: event, before: nil, limit: 10)
            #expect(stored.map(\.messageID) == lines.reversed().map(\.messageID))
            for line in lines {
                let clientID = try #require(line.clientID)
                let found = try await messages.message(event: event, sender: .system, clientID: clientID)
                #expect(found?.messageID == line.messageID)
            }
        }
    }

    @Test func aLineIsNotToldWhileNobodyKnowsWhetherItWas() async throws {
        try await self.withRoom(.memory) { messages, event, group in
            let store = try #require(messages as? MemoryMessageStore)
            let broker = MemoryBroker()
            let change = EventChange.sample(1, event: event)
            store.isAway = true
            let recorder = self.recorder(store, broker, group)
            let error = await #expect(throws: StoreError.self) { try await recorder.store([change]) }
            guard case .unavailable? = error else {
                Issue.record("it would not be tried again: \(String(describing: error))")
                return
            }
            #expect(broker.messages(event).isEmpty)
            store.isAway = false
            try await recorder.store([change])
            #expect(broker.messages(event).count == 1)
        }
    }

    @Test func aChangeWithoutALineIsOnlyRecorded() async throws {
        try await self.withRoom(.memory) { messages, event, group in
            let broker = MemoryBroker()
            try await self.recorder(messages, broker, group).store([.sample(1, event: event, type: .updated)])
            #expect(broker.messages(event).isEmpty)
        }
    }
}
