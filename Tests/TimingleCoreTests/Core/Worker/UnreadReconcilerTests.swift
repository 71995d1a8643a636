import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct UnreadReconcilerTests {
    private struct Source: UnreadCountSource {
        let counts = Locked<[EventID: Int64]>([:])

        func unread(in events: [EventID]) async throws(StoreError) -> [UnreadCount] {
            self.counts.withLock { counts in
                events.map { UnreadCount(eventID: $0, userID: UserID(rawValue: 1), count: counts[$0] ?? 0) }
            }
        }
    }

    private static let (event, user) = (EventID(rawValue: 5), UserID(rawValue: 1))

    @Test func aRoomIsLookedAtUntilNothingIsLeftToMove() async throws {
        let (source, view) = (Source(), MemoryUnreadCountView())
        let reconciler = UnreadReconciler(source: source, view: view, log: .silent)
        source.counts.withLock { $0[Self.event] = 3 }
        reconciler.moved([Self.event])
        _ = await reconciler.turn()
        // Somebody else had moved it, too.
        view.disturb(event: Self.event, user: Self.user, by: 3)
        _ = await reconciler.turn()
        let count = try await view.count(event: Self.event, user: Self.user)
        #expect(count == 3)
        _ = await reconciler.turn()
        view.disturb(event: Self.event, user: Self.user, by: 1)
        _ = await reconciler.turn()
        let alone = try await view.count(event: Self.event, user: Self.user)
        #expect(alone == 4, "nothing moved, so nobody looks")
    }

    @Test func whatCouldNotBeReconciledIsTriedAgain() async throws {
        let (source, view) = (Source(), MemoryUnreadCountView())
        let reconciler = UnreadReconciler(source: source, view: view, log: .silent)
        source.counts.withLock { $0[Self.event] = 2 }
        view.failNext(2)
        reconciler.moved([Self.event])
        for _ in 0..<3 { _ = await reconciler.turn() }
        let count = try await view.count(event: Self.event, user: Self.user)
        #expect(count == 2)
    }

    @Test func whatGoesOnFailingIsToldOnceAndItsEndToo() async throws {
        let (source, view) = (Source(), MemoryUnreadCountView())
        let lines = Locked<[LogLine]>([])
        let log = Log(label: "test", level: .info, sink: KeptLines(lines))
        let reconciler = UnreadReconciler(source: source, view: view, log: log)
        source.counts.withLock { $0[Self.event] = 2 }
        for _ in 0..<2 {
            view.failNext(3)
            reconciler.moved([Self.event])
            for _ in 0..<5 { _ = await reconciler.turn() }
            source.counts.withLock { $0[Self.event] = 4 }
        }
        #expect(lines.withLock { $0.map(\.level) } == [.warning, .info, .warning, .info])
    }

    @Test func manyRoomsAreWorkedOffInTurns() async throws {
        let (source, view) = (Source(), MemoryUnreadCountView())
        var limits = UnreadReconciler.Limits()
        limits.roomsPerTurn = 10
        limits.roomsWaitingMax = 25
        let reconciler = UnreadReconciler(source: source, view: view, limits: limits, log: .silent)
        let events = (1...40).map { EventID(rawValue: $0) }
        source.counts.withLock { counts in for event in events { counts[event] = 1 } }
        reconciler.moved(events)
        for _ in 0..<10 { _ = await reconciler.turn() }
        var reached = 0
        for event in events { reached += Int(try await view.count(event: event, user: Self.user)) }
        #expect(reached == 25)
    }
}
