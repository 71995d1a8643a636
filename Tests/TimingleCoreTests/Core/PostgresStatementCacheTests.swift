import Testing

@testable import TimingleCore

struct PostgresStatementCacheTests {
    private func key(_ number: Int) -> PostgresStatementCache.Key {
        PostgresStatementCache.Key(PostgresStatement(unsafe: "SELECT \(number)"))
    }

    @Test func theStatementUsedLongestAgoGoes() {
        var cache = PostgresStatementCache(capacity: 2)
        #expect(cache.prepared(self.key(1), name: "a") == nil)
        #expect(cache.prepared(self.key(2), name: "b") == nil)
        #expect(cache.name(of: self.key(1)) == "a")
        #expect(cache.prepared(self.key(3), name: "c") == "b")
        #expect(cache.name(of: self.key(2)) == nil)
        #expect(cache.count == 2)
    }

    @Test func namesAreNeverUsedAgain() {
        var cache = PostgresStatementCache(capacity: 1)
        let first = cache.freshName()
        #expect(cache.freshName() != first)
    }
}
