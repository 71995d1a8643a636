import Testing
import TimingleCQL
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// What the message store in Cassandra promises beyond the contract: writers that fail, and writers that meet.
@Suite(
    .enabled(if: TestServices.hasCQL, "needs Cassandra: set TIMINGLE_TEST_CQL; make test does where there is one"),
    .timeLimit(.minutes(3))
)
struct CQLMessageRepositoryTests {
    private static func message(
        _ event: EventID,
        _ seq: Int64,
        clientID: UInt64? = nil,
        sender: UserID = UserID(rawValue: 7),
        text: String = "글"
    ) -> ChatMessage {
        ChatMessage(
            eventID: event,
            seq: seq,
            ordinal: seq,
            createdAt: Timestamp(milliseconds: 1_768_500_000_000 + seq),
            messageID: MessageID(rawValue: Identifier128(high: UInt64(event.rawValue), low: UInt64(seq))),
            clientID: clientID.map { ClientMessageID(rawValue: Identifier128(high: 8, low: $0)) },
            senderID: sender,
            senderName: "미나",
            text: text
        )
    }

    @Test(arguments: [ScriptedQuerying.Failure.notSent, .answerLost])
    func aWriterThatFailsAnywhereIsRepeatedAndNothingIsMissingOrDouble(
        _ failure: ScriptedQuerying.Failure
    ) async throws {
        try await withTestStores { stores, _ in
            for failing in 1...40 {
                let event = EventID.unused()
                let client = ScriptedQuerying(stores.messages.client, failing: failing, failure)
                let buckets = CQLRoomBuckets(size: 5)
                let writer = CQLMessageRepository(client: client, buckets: buckets)
                let store = CQLMessageRepository(client: stores.messages.client, buckets: buckets)
                let messages = (1...12).map { Self.message(event, Int64($0), clientID: UInt64($0)) }
                let hasFailed: Bool
                do throws(StoreError) {
                    try await writer.append(messages)
                    hasFailed = false
                } catch {
                    hasFailed = true
                    guard case .unavailable = error else {
                        Issue.record("\(error)")
                        return
                    }
                }
                // What has a place has a row, at any time.
                let places = try await Self.places(stores, event)
                let seen = try await store.page(event: event, after: 0, limit: 300)
                #expect(seen.map(\.seq) == places.sorted(), "after failure \(failing)")
                try await store.append(messages)
                let whole = try await store.page(event: event, after: 0, limit: 300)
                #expect(whole == messages)
                let rows = try await Self.rows(stores, event)
                #expect(rows == messages.count)
                guard hasFailed else { return }
            }
            Issue.record("it never succeeded")
        }
    }

    @Test func ofTwoItemsUnderOneClientIDTheFirstPlaceStaysHoweverTheWritersMeet() async throws {
        try await withTestStores { stores, group in
            for round in 0..<60 {
                let event = EventID.unused()
                let (first, second) = (Self.message(event, 1, clientID: 1), Self.message(event, 2, clientID: 1))
                let others = [Self.message(event, 3, clientID: 3)]
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for messages in round.isMultiple(of: 2)
                        ? [[first] + others, [second]] : [[second] + others, [first]]
                    {
                        tasks.addTask {
                            let client = ScriptedQuerying(stores.messages.client, jitter: true)
                            try await CQLMessageRepository(client: client).append(messages)
                        }
                    }
                    try await tasks.waitForAll()
                }
                let page = try await stores.messages.page(event: event, after: 0, limit: 10)
                #expect(page.map(\.seq) == [1, 3], "round \(round)")
                let said = try await stores.messages.message(
                    event: event,
                    sender: first.senderID,
                    clientID: try #require(first.clientID)
                )
                #expect(said == first)
                let gone = try await stores.messages.message(event: event, id: second.messageID)
                #expect(gone == nil)
                // Delivered again, it does not come back.
                try await stores.messages.append([second])
                let rows = try await Self.rows(stores, event)
                #expect(rows == 2)
            }
        }
    }

    @Test func aLoserThatWasStoredFirstIsRemovedWhenTheFirstPlaceArrives() async throws {
        try await withTestStores { stores, _ in
            let (event, sender) = (EventID.unused(), UserID.unused())
            try await stores.messages.append([Self.message(event, 9, clientID: 1, sender: sender)])
            try await stores.messages.append([Self.message(event, 4, clientID: 1, sender: sender)])
            let page = try await stores.messages.page(event: event, before: nil, limit: 10)
            #expect(page.map(\.seq) == [4])
            let activity = try await stores.activity.latest(of: sender, before: nil, limit: 10)
            #expect(activity.map(\.messageID) == page.map(\.messageID))
        }
    }

    @Test func systemLinesAreRecognisedByTheirClientID() async throws {
        try await withTestStores { stores, _ in
            let event = EventID.unused()
            func line(_ seq: Int64) -> ChatMessage {
                ChatMessage(
                    eventID: event,
                    seq: seq,
                    ordinal: 0,
                    createdAt: Timestamp(milliseconds: 1_768_500_000_000 + seq),
                    messageID: MessageID(rawValue: Identifier128(high: 9, low: UInt64(seq))),
                    clientID: ClientMessageID(rawValue: Identifier128(high: 1, low: 1)),
                    senderID: .system,
                    senderName: "timingle",
                    text: "약속이 확정되었습니다.",
                    type: .system
                )
            }
            try await stores.messages.append([line(1)])
            try await stores.messages.append([line(2)])
            let page = try await stores.messages.page(event: event, before: nil, limit: 10)
            #expect(page == [line(1)])
        }
    }

    @Test func theBrokersLargestItemsAreStoredInSeveralWrites() async throws {
        try await withTestStores { stores, _ in
            let event = EventID.unused()
            let text = String(repeating: "가", count: 21_845)
            let messages = (1...80).map { Self.message(event, Int64($0), clientID: UInt64($0), text: text) }
            try await stores.messages.append(messages)
            let page = try await stores.messages.page(event: event, after: 0, limit: 300)
            #expect(page == messages)
        }
    }

    @Test func aRoomBeyondABucketsLimitReadsLikeAnyOther() async throws {
        try await withTestStores { stores, _ in
            let event = EventID.unused()
            let store = CQLMessageRepository(client: stores.messages.client, buckets: CQLRoomBuckets(size: 5))
            let messages = (1...17).map { Self.message(event, Int64($0), clientID: UInt64($0)) }
            var stored: [ChatMessage] = []
            // One by one, so that each limit is passed by an item of its own.
            for message in messages {
                try await store.append([message])
                stored.append(message)
                let position = try await store.position(event: event)
                #expect(position == message.position)
                let whole = try await store.page(event: event, after: 0, limit: 300)
                #expect(whole == stored)
                let newest = try await store.page(event: event, before: nil, limit: 200)
                #expect(newest == stored.reversed())
            }
            for bucket in Int32(0)...4 {
                let places = try await Self.places(stores, event, bucket)
                #expect(places.sorted() == Array(messages.map(\.seq).filter { ($0 - 1) / 5 == Int64(bucket) }))
            }
            for seq in Int64(-1)...19 {
                for limit in [1, 4, 5, 6, 11] {
                    let after = try await store.page(event: event, after: seq, limit: limit)
                    #expect(after == Array(messages.filter { $0.seq > seq }.prefix(limit)), "after \(seq), \(limit)")
                    let before = try await store.page(event: event, before: seq, limit: limit)
                    let older = messages.filter { $0.seq < seq }.reversed()
                    #expect(before == Array(older.prefix(limit)), "before \(seq), \(limit)")
                }
            }
            for message in messages {
                let found = try await store.message(event: event, id: message.messageID)
                #expect(found == message)
            }
            // Far beyond the end, in either direction.
            let last = try await store.page(event: event, before: .max, limit: 2)
            #expect(last == messages.suffix(2).reversed())
            let none = try await store.page(event: event, after: .max, limit: 2)
            let before = try await store.page(event: event, before: .min, limit: 2)
            #expect(none.isEmpty && before.isEmpty)
            // Delivered again, and late: the room's end stays where it is.
            try await store.append([messages[0], messages[6]])
            let position = try await store.position(event: event)
            #expect(position == messages[16].position)
        }
    }

    @Test func aBucketWhoseItemsWereAllRemovedIsPassedOver() async throws {
        try await withTestStores { stores, _ in
            let (event, sender) = (EventID.unused(), UserID.unused())
            let store = CQLMessageRepository(client: stores.messages.client, buckets: CQLRoomBuckets(size: 5))
            let kept = [Self.message(event, 2, sender: sender), Self.message(event, 4, clientID: 1, sender: sender)]
            // Alone in its bucket, and removed when the item with the lower place arrives.
            try await store.append([Self.message(event, 12, clientID: 1, sender: sender)])
            let alone = try await store.position(event: event)
            #expect(alone?.seq == 12)
            try await store.append(kept)
            let position = try await store.position(event: event)
            #expect(position == kept[1].position)
            let newest = try await store.page(event: event, before: nil, limit: 10)
            #expect(newest == kept.reversed())
            let oldest = try await store.page(event: event, after: 0, limit: 10)
            #expect(oldest == kept)
        }
    }

    @Test func theLimitOfAPartitionIsFiftyThousandItems() async throws {
        try await withTestStores { stores, _ in
            let event = EventID.unused()
            let messages = (49_990...50_010).map { Self.message(event, Int64($0)) }
            try await stores.messages.append(messages)
            let page = try await stores.messages.page(event: event, after: 49_990, limit: 300)
            #expect(page == Array(messages.dropFirst()))
            let newest = try await stores.messages.page(event: event, before: nil, limit: 15)
            #expect(newest == messages.suffix(15).reversed())
            let first = try await Self.places(stores, event, 0)
            let second = try await Self.places(stores, event, 1)
            #expect(first.sorted() == Array(49_990...50_000) && second.sorted() == Array(50_001...50_010))
        }
    }

    @Test func whatWillPassIsNotCalledPoison() async throws {
        let settings = try TestKeyspace.unmigrated()
        try await withEventLoopGroup(count: 1) { group in
            let stores = try CQLStores(settings: settings, group: group, log: .silent)
            do throws(StoreError) {
                try await stores.messages.append([Self.message(.unused(), 1)])
                Issue.record("stored into a keyspace that is not there")
            } catch {
                guard case .unavailable = error else {
                    Issue.record("a missing keyspace is \(error)")
                    return
                }
            }
            let failure = await stores.failure()
            #expect(failure != nil)
            await stores.close()
        }
    }

    // MARK: Looking behind

    private static func places(_ stores: CQLStores, _ event: EventID) async throws -> [Int64] {
        var places: [Int64] = []
        for bucket in Int32(0)...3 { places += try await Self.places(stores, event, bucket) }
        return places
    }

    private static func places(_ stores: CQLStores, _ event: EventID, _ bucket: Int32) async throws -> [Int64] {
        let rows = try await stores.messages.client.execute(
            "SELECT seq FROM chat_places_by_event WHERE event_id = \(event) AND bucket = \(bucket)"
        )
        return try rows.compactMap { try $0.decode("seq", as: Int64?.self) }
    }

    /// How many rows of items there are, found or not.
    private static func rows(_ stores: CQLStores, _ event: EventID) async throws -> Int {
        var count = try await stores.messages.client.execute(
            "SELECT seq FROM chat_messages_by_event WHERE event_id = \(event)"
        ).count
        for bucket in Int32(1)...3 {
            count += try await stores.messages.client.execute(
                "SELECT seq FROM chat_messages_by_event_bucket WHERE event_id = \(event) AND bucket = \(bucket)"
            ).count
        }
        return count
    }
}

/// A client that fails once, or takes its time.
struct ScriptedQuerying: CQLQuerying {
    enum Failure: Sendable {
        /// Nothing reached the node.
        case notSent
        /// It was done, and nobody heard of it.
        case answerLost
    }

    private let client: any CQLQuerying
    /// The number of the call that fails; nil for none.
    private let failing: Int?
    private let failure: Failure
    private let jitter: Bool
    private let calls = Locked(0)

    init(_ client: any CQLQuerying, failing: Int? = nil, _ failure: Failure = .notSent, jitter: Bool = false) {
        self.client = client
        self.failing = failing
        self.failure = failure
        self.jitter = jitter
    }

    func execute(_ statement: CQLStatement) async throws(CQLError) -> CQLResult {
        try await self.scripted { client throws(CQLError) in try await client.execute(statement) }
    }

    func execute(_ batch: CQLBatch) async throws(CQLError) -> CQLResult {
        try await self.scripted { client throws(CQLError) in try await client.execute(batch) }
    }

    private func scripted(
        _ body: (any CQLQuerying) async throws(CQLError) -> CQLResult
    ) async throws(CQLError) -> CQLResult {
        let call = self.calls.withLock { calls in
            calls += 1
            return calls
        }
        if self.jitter { try? await Task.sleep(for: .microseconds(Int64.random(in: 0...3_000))) }
        guard call == self.failing else { return try await body(self.client) }
        switch self.failure {
        case .notSent: throw CQLError(.notConnected, "scripted")
        case .answerLost:
            _ = try await body(self.client)
            throw CQLError(.connectionLost, "scripted", wasSent: true)
        }
    }
}
