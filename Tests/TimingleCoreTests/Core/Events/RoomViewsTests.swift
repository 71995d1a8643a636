import Testing
import TimingleTestSupport

@testable import TimingleCore

/// What the small stores beside the messages promise, in memory and in Cassandra.
@Suite(.timeLimit(.minutes(2)))
struct RoomViewsTests {
    enum Kind: String, Sendable, CaseIterable {
        case memory
        case cql

        static var all: [Kind] { allCases.filter { $0 == .memory || TestServices.hasCQL } }
    }

    private struct Views: Sendable {
        let typing: any TypingStore
        let reactions: any ReactionStore
        let unread: any UnreadCountView
    }

    private static func with(_ kind: Kind, _ body: (Views) async throws -> Void) async throws {
        switch kind {
        case .memory:
            try await body(
                Views(
                    typing: MemoryTypingStore(clock: ManualWallClock()),
                    reactions: MemoryReactionStore(),
                    unread: MemoryUnreadCountView()
                )
            )
        case .cql:
            try await withTestStores { stores, _ in
                try await body(
                    Views(typing: stores.typing, reactions: stores.reactions, unread: stores.unreadCounts)
                )
            }
        }
    }

    private static let now = ManualWallClock().now()

    private static func person(_ number: Int64, after milliseconds: Int64 = 0) -> TypingPerson {
        TypingPerson(
            userID: UserID(rawValue: number),
            name: "사람 \(number)",
            startedAt: Timestamp(milliseconds: self.now.milliseconds + milliseconds)
        )
    }

    @Test(arguments: Kind.all)
    func whoTypesIsThereUntilItStops(_ kind: Kind) async throws {
        try await Self.with(kind) { views in
            let (event, other) = (EventID.unused(), EventID.unused())
            let (first, second) = (Self.person(1), Self.person(2))
            for person in [second, first, first] { try await views.typing.started(person, in: event) }
            let both = try await views.typing.typing(in: event)
            #expect(both == [first, second])
            let nobody = try await views.typing.typing(in: other)
            #expect(nobody.isEmpty)

            // What was overtaken changes nothing.
            let later = Self.person(1, after: 500)
            try await views.typing.started(later, in: event)
            try await views.typing.started(first, in: event)
            try await views.typing.stopped(first.userID, in: event, at: first.startedAt)
            try await views.typing.stopped(second.userID, in: event, at: second.startedAt)
            let rest = try await views.typing.typing(in: event)
            #expect(rest == [later])
        }
    }

    @Test(.enabled(if: TestServices.hasCQL, "needs Cassandra"))
    func whoStoppedWithoutAWordIsForgottenInTenSeconds() async throws {
        try await Self.with(.cql) { views in
            let event = EventID.unused()
            let start = ContinuousClock.now
            try await views.typing.started(Self.person(1), in: event)
            let still = try await views.typing.typing(in: event)
            #expect(still.count == 1)
            #expect(try await eventually { try await views.typing.typing(in: event).isEmpty })
            // The server counts in whole seconds.
            #expect(start.duration(to: .now) >= .seconds(8))
        }
    }

    @Test(arguments: Kind.all)
    func ofAPersonsReactionsTheLatestCounts(_ kind: Kind) async throws {
        try await Self.with(kind) { views in
            let message = MessageID(rawValue: Identifier128(high: .random(in: 0 ... .max), low: 1))
            func reaction(_ user: Int64, _ text: String, _ time: Int64) -> MessageReaction {
                MessageReaction(
                    userID: UserID(rawValue: user),
                    reaction: text,
                    createdAt: Timestamp(milliseconds: 1_768_500_000_000 + time)
                )
            }
            for one in [reaction(2, "👍", 5), reaction(1, "❤️", 9), reaction(1, "😢", 3), reaction(2, "👍", 5)] {
                try await views.reactions.react(one, to: message)
            }
            let both = try await views.reactions.reactions(to: message)
            #expect(both == [reaction(1, "❤️", 9), reaction(2, "👍", 5)])

            try await views.reactions.withdraw(UserID(rawValue: 1), from: message, at: both[0].createdAt)
            // Delivered late, it does not come back; a new one does.
            try await views.reactions.react(reaction(1, "❤️", 9), to: message)
            let one = try await views.reactions.reactions(to: message)
            #expect(one == [reaction(2, "👍", 5)])
            try await views.reactions.react(reaction(1, "🎉", 10), to: message)
            let again = try await views.reactions.reactions(to: message)
            #expect(again == [reaction(1, "🎉", 10), reaction(2, "👍", 5)])
        }
    }

    @Test(arguments: Kind.all)
    func countersAreMovedToTheTruthAndStayThere(_ kind: Kind) async throws {
        try await Self.with(kind) { views in
            let event = EventID.unused()
            func truth(_ counts: Int64...) -> [UnreadCount] {
                counts.enumerated().map { index, count in
                    UnreadCount(eventID: event, userID: UserID(rawValue: Int64(index + 1)), count: count)
                }
            }
            func counted() async throws -> [Int64] {
                var counts: [Int64] = []
                for user in 1...3 as ClosedRange<Int64> {
                    counts.append(try await views.unread.count(event: event, user: UserID(rawValue: user)))
                }
                return counts
            }
            let first = try await views.unread.reconcile(truth(0, 5, 2))
            #expect(first == 2)
            let again = try await views.unread.reconcile(truth(0, 5, 2))
            #expect(again == 0)
            let moved = try await counted()
            #expect(moved == [0, 5, 2])
            let second = try await views.unread.reconcile(truth(7, 0, 2))
            #expect(second == 2)
            let last = try await counted()
            #expect(last == [7, 0, 2])
        }
    }

    @Test(.enabled(if: TestServices.hasCQL, "needs Cassandra"))
    func whatPeopleSaidIsListedNewestFirst() async throws {
        try await withTestStores { stores, _ in
            let (mina, events) = (UserID.unused(), [EventID.unused(), .unused(), .unused()].sorted())
            var messages: [ChatMessage] = []
            for seq in 1...9 as ClosedRange<Int64> {
                // In three rooms at the same milliseconds.
                for event in events { messages.append(.sample(event: event, seq: seq, sender: mina)) }
            }
            try await stores.messages.append(messages)
            var listed: [ActivityEntry] = []
            while listed.count < 100 {
                let cursor = listed.last.map { (createdAt: $0.createdAt, eventID: $0.eventID) }
                let page = try await stores.activity.latest(of: mina, before: cursor, limit: 4)
                if page.isEmpty { break }
                listed += page
            }
            let wanted = messages.sorted { ($1.createdAt, $0.eventID) < ($0.createdAt, $1.eventID) }
            #expect(listed.map(\.eventID) == wanted.map(\.eventID))
            #expect(listed.map(\.createdAt) == wanted.map(\.createdAt))
            #expect(listed.map(\.messageID) == wanted.map(\.messageID))
        }
    }
}
