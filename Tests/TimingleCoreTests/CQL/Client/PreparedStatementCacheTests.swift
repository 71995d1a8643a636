import Testing
import TimingleTestSupport

@testable import TimingleCQL

struct PreparedStatementCacheTests {
    private func prepared(_ id: UInt8) -> CQLPrepared {
        CQLPrepared(id: [id], markers: [], partitionKey: [], result: .none)
    }

    @Test func manyWhoWantTheSameWaitForOnePreparation() {
        let cache = PreparedStatementCache(limit: 4)
        var told: [UInt8] = []
        let waiter: PreparedStatementCache.Waiter = { result in
            if case .success(let prepared) = result { told.append(prepared.id[0]) }
        }
        #expect(cache.wait(for: "a", waiter))
        #expect(!cache.wait(for: "a", waiter))
        #expect(cache.wait(for: "b", waiter))
        #expect(cache.find("a") == nil)
        cache.finished("a", .success(self.prepared(1)))
        #expect(told == [1, 1])
        #expect(cache.find("a")?.id == [1])
    }

    @Test func aFailureIsToldAndNotKept() {
        let cache = PreparedStatementCache(limit: 4)
        var failures = 0
        _ = cache.wait(for: "a") { if case .failure = $0 { failures += 1 } }
        _ = cache.wait(for: "a") { if case .failure = $0 { failures += 1 } }
        cache.finished("a", .failure(CQLError(.syntax, "")))
        #expect(failures == 2)
        #expect(cache.find("a") == nil)
        #expect(cache.wait(for: "a") { _ in })
    }

    @Test func anIdMayChange() {
        let cache = PreparedStatementCache(limit: 4)
        cache.store("a", self.prepared(1))
        cache.store("a", self.prepared(2))
        #expect(cache.find("a")?.id == [2])
        #expect(cache.count == 1)
    }

    /// Against a list in the order of use.
    @Test func whatWasUsedLongestAgoGoes() {
        var random = SeededGenerator(seed: 5)
        let cache = PreparedStatementCache(limit: 8)
        var order: [UInt8] = []
        for _ in 0..<3_000 {
            let id = UInt8.random(in: 0..<16, using: &random)
            if Bool.random(using: &random) {
                cache.store("\(id)", self.prepared(id))
                order.removeAll { $0 == id }
                order.append(id)
                if order.count > 8 { order.removeFirst() }
            } else {
                #expect((cache.find("\(id)") != nil) == order.contains(id))
                if let place = order.firstIndex(of: id) { order.append(order.remove(at: place)) }
            }
            #expect(cache.count == order.count)
        }
    }
}
