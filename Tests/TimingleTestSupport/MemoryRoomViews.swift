package import TimingleCore

/// `TypingStore` in memory; time stands still until it is moved.
package final class MemoryTypingStore: TypingStore {
    private let clock: ManualWallClock
    private let rooms = Locked<[EventID: [UserID: TypingPerson]]>([:])

    package init(clock: ManualWallClock) { self.clock = clock }

    package func started(_ person: TypingPerson, in event: EventID) async throws(StoreError) {
        self.rooms.withLock { rooms in
            guard rooms[event]?[person.userID].map({ $0.startedAt > person.startedAt }) != true else { return }
            rooms[event, default: [:]][person.userID] = person
        }
    }

    package func stopped(_ user: UserID, in event: EventID, at time: Timestamp) async throws(StoreError) {
        self.rooms.withLock { rooms in
            guard rooms[event]?[user].map({ $0.startedAt <= time }) == true else { return }
            rooms[event]?[user] = nil
        }
    }

    package func typing(in event: EventID) async throws(StoreError) -> [TypingPerson] {
        let now = self.clock.now()
        return self.rooms.withLock { rooms in
            rooms[event, default: [:]].values.filter { now - $0.startedAt < .seconds(10) }
                .sorted { $0.userID < $1.userID }
        }
    }
}

/// `ReactionStore` in memory.
package final class MemoryReactionStore: ReactionStore {
    private struct State {
        var reactions: [UserID: MessageReaction] = [:]
        var withdrawals: [UserID: Timestamp] = [:]
    }

    private let messages = Locked<[MessageID: State]>([:])

    package init() {}

    package func react(_ reaction: MessageReaction, to message: MessageID) async throws(StoreError) {
        self.messages.withLock { messages in
            var state = messages[message, default: State()]
            if let last = state.reactions[reaction.userID], last.createdAt > reaction.createdAt { return }
            state.reactions[reaction.userID] = reaction
            messages[message] = state
        }
    }

    package func withdraw(_ user: UserID, from message: MessageID, at time: Timestamp) async throws(StoreError) {
        self.messages.withLock { messages in
            var state = messages[message, default: State()]
            state.withdrawals[user] = max(state.withdrawals[user] ?? time, time)
            messages[message] = state
        }
    }

    package func reactions(to message: MessageID) async throws(StoreError) -> [MessageReaction] {
        self.messages.withLock { messages in
            let state = messages[message, default: State()]
            return state.reactions.values.filter { reaction in
                state.withdrawals[reaction.userID].map { $0 < reaction.createdAt } ?? true
            }.sorted { $0.userID < $1.userID }
        }
    }
}

/// `UnreadCountView` in memory; fails as it is told.
package final class MemoryUnreadCountView: UnreadCountView {
    private struct Key: Hashable {
        let event: EventID
        let user: UserID
    }

    private let counts = Locked<[Key: Int64]>([:])
    private let failures = Locked(0)

    package init() {}

    /// The next `count` calls throw `.unavailable`.
    package func failNext(_ count: Int) { self.failures.withLock { $0 = count } }

    /// What nobody should do.
    package func disturb(event: EventID, user: UserID, by difference: Int64) {
        self.counts.withLock { $0[Key(event: event, user: user), default: 0] += difference }
    }

    package func reconcile(_ counts: [UnreadCount]) async throws(StoreError) -> Int {
        let isAway = self.failures.withLock { failures -> Bool in
            defer { failures = max(0, failures - 1) }
            return failures > 0
        }
        if isAway { throw .unavailable("scripted") }
        return self.counts.withLock { known in
            var moved = 0
            for wanted in counts {
                let key = Key(event: wanted.eventID, user: wanted.userID)
                guard known[key] ?? 0 != wanted.count else { continue }
                known[key] = wanted.count
                moved += 1
            }
            return moved
        }
    }

    package func count(event: EventID, user: UserID) async throws(StoreError) -> Int64 {
        self.counts.withLock { $0[Key(event: event, user: user)] ?? 0 }
    }
}
