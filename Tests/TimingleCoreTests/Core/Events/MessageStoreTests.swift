import Testing
import TimingleTestSupport

@testable import TimingleCore

/// What every message store promises, in PostgreSQL and in Cassandra.
@Suite(
    .enabled(if: TestServices.hasDatabase || TestServices.hasCQL, "needs PostgreSQL or Cassandra: make test has them"),
    .timeLimit(.minutes(3))
)
struct MessageStoreTests {
    enum Kind: String, Sendable, CaseIterable {
        case postgres
        case cql
        /// With buckets of seven items.
        case cqlBuckets

        static var all: [Kind] {
            allCases.filter { $0 == .postgres ? TestServices.hasDatabase : TestServices.hasCQL }
        }
    }

    private struct Room: Sendable {
        let kind: Kind
        let store: any MessageStore
        let event: EventID
        let sender: UserID
        /// Nil for the others.
        let postgres: PostgresClient?

        func message(
            _ seq: Int64,
            ordinal: Int64? = nil,
            id: Int64? = nil,
            clientID: Int64? = nil,
            text: String? = nil,
            event: EventID? = nil,
            sender: UserID? = nil,
            metadata: [String: String] = [:]
        ) -> ChatMessage {
            ChatMessage(
                eventID: event ?? self.event,
                seq: seq,
                ordinal: ordinal ?? seq,
                createdAt: Timestamp(milliseconds: 1_768_500_000_000 + seq),
                messageID: MessageID(rawValue: Identifier128(high: 7, low: UInt64(id ?? seq))),
                clientID: clientID.map { ClientMessageID(rawValue: Identifier128(high: 8, low: UInt64($0))) },
                senderID: sender ?? self.sender,
                senderName: "미나",
                text: text ?? "메시지 \(seq)",
                metadata: metadata
            )
        }

        func count() async throws -> Int {
            if let postgres {
                return try await postgres.query("SELECT count(*) FROM chat_messages")[0].decode(at: 0)
            }
            var count = 0
            var last: Int64 = 0
            while let page = Optional(try await self.store.page(event: self.event, after: last, limit: 300)),
                let end = page.last?.seq
            {
                count += page.count
                last = end
            }
            return count
        }
    }

    private static func withRoom(_ kind: Kind, _ body: (Room) async throws -> Void) async throws {
        switch kind {
        case .postgres:
            try await EventWorld.with(.postgres) { world in
                let mina = try await world.person("미나")
                let start = Timestamp(milliseconds: 1_768_500_000_000)
                let draft = EventDraft(title: "방", startTime: start, endTime: start)
                let id = try await world.service.create(draft, by: mina).details.event.id
                let client = try #require(world.client)
                let store = PostgresMessageRepository(client: client)
                try await body(Room(kind: kind, store: store, event: id, sender: mina.userID, postgres: client))
            }
        case .cql, .cqlBuckets:
            try await withTestStores { stores, _ in
                let small = CQLMessageRepository(client: stores.messages.client, buckets: CQLRoomBuckets(size: 7))
                let store = kind == .cql ? stores.messages : small
                try await body(Room(kind: kind, store: store, event: .unused(), sender: .unused(), postgres: nil))
            }
        }
    }

    @Test(arguments: Kind.all)
    func anItemComesBackAsItWent(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            let full = ChatMessage(
                eventID: room.event,
                seq: 1,
                ordinal: 1,
                createdAt: Timestamp(milliseconds: 1_768_500_000_123),
                messageID: MessageID(rawValue: Identifier128(high: .max, low: 1)),
                clientID: ClientMessageID(rawValue: Identifier128(high: 1, low: .max)),
                senderID: room.sender,
                senderName: "\"미나\" \\ \u{1F469}\u{200D}\u{1F4BB}",
                senderProfileURL: "https://example.org/미나.png",
                text: "한 줄\n\t두 줄 \u{7f}\u{1b} {\"json\": [1]} $1 '; DROP TABLE users; --",
                type: .image,
                attachments: ["https://example.org/a,b\"{}.png", ""],
                replyTo: MessageID(rawValue: Identifier128(high: 2, low: 2)),
                editedAt: Timestamp(milliseconds: 1_768_500_000_999),
                isDeleted: true,
                metadata: ["a": "", "한": "\"값\""]
            )
            let line = ChatMessage(
                eventID: room.event,
                seq: 2,
                ordinal: 1,
                createdAt: Timestamp(milliseconds: 1_768_500_000_124),
                messageID: MessageID(rawValue: Identifier128(high: .max, low: 2)),
                senderID: .system,
                senderName: "",
                text: "약속이 확정되었습니다.",
                type: .system
            )
            try await room.store.append([full, line])
            let page = try await room.store.page(event: room.event, before: nil, limit: 50)
            #expect(page == [line, full])
            let byID = try await room.store.message(event: room.event, id: full.messageID)
            #expect(byID == full)
            let clientID = try #require(full.clientID)
            let byClient = try await room.store.message(event: room.event, sender: room.sender, clientID: clientID)
            #expect(byClient == full)
            let elsewhere = try await room.store.message(event: EventID(rawValue: 404), id: full.messageID)
            #expect(elsewhere == nil)
            let position = try await room.store.position(event: room.event)
            #expect(position == RoomPosition(seq: 2, ordinal: 1, createdAt: line.createdAt))
            let empty = try await room.store.position(event: EventID(rawValue: 404))
            #expect(empty == nil)
        }
    }

    @Test(arguments: Kind.all)
    func aThousandAtOnceAndAgainAreAThousand(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            let messages = (1...1_000).map { room.message(Int64($0), clientID: Int64($0)) }
            try await room.store.append(messages)
            try await room.store.append(messages)
            try await room.store.append(Array(messages[500...]) + [room.message(1_001)])
            try await room.store.append([])
            let count = try await room.count()
            #expect(count == 1_001)

            var seqs: [Int64] = []
            var before: Int64?
            while true {
                let page = try await room.store.page(event: room.event, before: before, limit: 200)
                guard let last = page.last else { break }
                seqs += page.map(\.seq)
                before = last.seq
            }
            #expect(seqs == Array((1...1_001).reversed()))
            let after = try await room.store.page(event: room.event, after: 700, limit: 300)
            #expect(after.map(\.seq) == Array(701...1_000))
            let clamped = try await room.store.page(event: room.event, before: nil, limit: 100_000)
            #expect(clamped.count == 200)
        }
    }

    @Test(arguments: Kind.all)
    func whatIsThereAlreadyIsLeftAsItIs(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            let first = room.message(1, clientID: 1)
            try await room.store.append([first])
            try await room.store.append([
                // The same place, the same client id under another place, and one that is new; twice in one batch.
                room.message(1, id: 900, text: "다른 글"),
                room.message(2, id: 901, clientID: 1, text: "두 번 보냄"),
                room.message(2, id: 902, clientID: 2),
                room.message(3, id: 903, clientID: 2),
            ])
            let page = try await room.store.page(event: room.event, after: 0, limit: 10)
            #expect(page.map(\.messageID) == [first, room.message(2, id: 902)].map(\.messageID))
            #expect(page.first == first)
        }
    }

    /// A worker stores what another one has in hand, too, in other batches and another order.
    @Test(arguments: Kind.all)
    func anySplitOfTheSameItemsLeavesTheSame(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            let messages = (1...90).map { room.message(Int64($0), clientID: $0 % 3 == 0 ? Int64($0) : nil) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for size in [1, 7, 64] {
                    group.addTask {
                        let batches = stride(from: 0, to: 90, by: size).map { messages[$0..<min($0 + size, 90)] }
                        for batch in size == 7 ? batches.reversed() : batches {
                            try await room.store.append(Array(batch))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let page = try await room.store.page(event: room.event, after: 0, limit: 300)
            let isSame = page == messages
            #expect(isSame)
        }
    }

    @Test(arguments: Kind.all)
    func workersWithTheSameItemsDoNotDisturbEachOther(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            let messages = (1...200).map { room.message(Int64($0), clientID: Int64($0)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    let batch = number.isMultiple(of: 2) ? messages : messages.reversed()
                    group.addTask { try await room.store.append(batch) }
                }
                try await group.waitForAll()
            }
            let count = try await room.count()
            #expect(count == 200)
        }
    }

    @Test(arguments: Kind.all)
    func poisonIsRejectedAndNothingOfItsBatchIsStored(_ kind: Kind) async throws {
        try await Self.withRoom(kind) { room in
            // What a foreign key knows, only PostgreSQL can know.
            let references: [(String, ChatMessage)] = [
                ("no such event", room.message(2, event: EventID(rawValue: 404_404))),
                ("no such sender", room.message(2, sender: UserID(rawValue: 404_404))),
            ]
            let poison: [(String, ChatMessage)] = [
                ("NUL", room.message(2, text: "a\0b")),
                ("NUL in metadata", room.message(2, metadata: ["a": "\0"])),
                ("seq below 1", room.message(0)),
                ("ordinal beyond seq", room.message(2, ordinal: 3)),
                ("too large", room.message(2, text: String(repeating: "가", count: 30_000))),
                ("a person's line without a person", room.message(2, sender: .system)),
            ]
            for (name, message) in poison + (room.kind == .postgres ? references : []) {
                do throws(StoreError) {
                    try await room.store.append([room.message(1), message, room.message(3)])
                    Issue.record("\(name) was stored")
                } catch {
                    guard case .rejected = error else {
                        Issue.record("\(name): \(error)")
                        continue
                    }
                }
                let count = try await room.count()
                #expect(count == 0, "\(name) left something behind")
            }
            try await room.store.append([room.message(1)])
        }
    }

    @Test(.enabled(if: TestServices.hasDatabase, "needs PostgreSQL"))
    func whatWillPassIsNotCalledPoison() async throws {
        try await Self.withRoom(.postgres) { room in
            let client = try #require(room.postgres)
            try await client.query("ALTER TABLE chat_messages RENAME TO elsewhere")
            do throws(StoreError) {
                try await room.store.append([room.message(1)])
                Issue.record("stored into a table that is not there")
            } catch {
                guard case .unavailable = error else {
                    Issue.record("a missing table is \(error)")
                    return
                }
            }
            try await client.query("ALTER TABLE elsewhere RENAME TO chat_messages")
            try await room.store.append([room.message(1)])
        }
    }
}
