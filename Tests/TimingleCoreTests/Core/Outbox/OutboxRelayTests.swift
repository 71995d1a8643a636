import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct OutboxRelayTests {
    private func with(
        poll: Duration,
        batchTimeMax: Duration = .seconds(5),
        _ body: (MemoryOutboxStore, MemoryChangePublisher, OutboxRelay) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let store = MemoryOutboxStore()
            let publisher = MemoryChangePublisher()
            let relay = OutboxRelay(
                store: store,
                publisher: publisher,
                loop: group.loops[0],
                pollInterval: poll,
                batchTimeMax: batchTimeMax,
                log: .silent
            )
            do {
                try await body(store, publisher, relay)
            } catch {
                await relay.stop()
                throw error
            }
            await relay.stop()
        }
    }

    @Test func aPokeWakesTheRelay() async throws {
        try await self.with(poll: .seconds(3_600)) { store, publisher, relay in
            relay.start()
            for number in UInt64(1)...5 {
                store.add(.sample(number))
                relay.changeCommitted()
                #expect(await eventually { publisher.changes.count == Int(number) })
            }
            let backlog = try await store.backlog()
            #expect(backlog == 0)
        }
    }

    @Test func withoutAPokeTheRelayLooksByItself() async throws {
        try await self.with(poll: .milliseconds(10)) { store, publisher, relay in
            relay.start()
            try await Task.sleep(for: .milliseconds(30))
            store.add(.sample(1))
            #expect(await eventually { publisher.changes.count == 1 })
        }
    }

    @Test func changesKeepTheirOrderWhileTheBrokerFails() async throws {
        try await self.with(poll: .milliseconds(10)) { store, publisher, relay in
            for number in UInt64(1)...200 { store.add(.sample(number)) }
            publisher.failNext(2)
            store.failNext(1)
            relay.start()
            relay.changeCommitted()
            #expect(await eventually { publisher.changes.count == 200 })
            #expect(publisher.changes == (1...200).map { EventChange.sample(UInt64($0)) })
            let backlog = try await store.backlog()
            #expect(backlog == 0)
        }
    }

    @Test func aSlowBrokerEndsTheBatchAndNotTheWork() async throws {
        try await self.with(poll: .seconds(3_600), batchTimeMax: .zero) { store, publisher, relay in
            for number in UInt64(1)...20 { store.add(.sample(number)) }
            relay.start()
            #expect(await eventually { publisher.changes.count == 20 })
            #expect(await eventually { store.batchCounts.filter { $0 > 0 } == Array(repeating: 1, count: 20) })
        }
    }
}
