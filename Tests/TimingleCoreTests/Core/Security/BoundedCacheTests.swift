import Testing

@testable import TimingleCore

struct BoundedCacheTests {
    @Test func itNeverHoldsMoreThanItsCapacity() {
        let cache = BoundedCache<Int, Int>(capacity: 100, shards: 4)
        for number in 0..<10_000 { cache.insert(number, for: number) }
        #expect(cache.count <= 100)
        #expect(cache.value(for: 9_999) == 9_999)
        #expect(cache.value(for: 0) == nil)
    }

    @Test func whatIsAskedForStays() {
        let cache = BoundedCache<Int, Int>(capacity: 20, shards: 1)
        cache.insert(-1, for: -1)
        for number in 0..<1_000 {
            cache.insert(number, for: number)
            #expect(cache.value(for: -1) == -1)
        }
    }

    @Test func removedIsGoneAndReplacedIsNew() {
        let cache = BoundedCache<String, Int>(capacity: 4, shards: 1)
        cache.insert(1, for: "a")
        cache.insert(2, for: "a")
        #expect(cache.value(for: "a") == 2)
        cache.remove("a")
        #expect(cache.value(for: "a") == nil)
    }
}
