/// The statements that servers know by an id, by their text.
///
/// Loop-confined, one for each loop: looking up needs no lock, and preparing is rare. Whoever asks for a text that is
/// being prepared waits for that. Beyond `limit` the one that was used longest ago goes; the server's memory of it is
/// the server's matter.
final class PreparedStatementCache {
    typealias Waiter = (Result<CQLPrepared, CQLError>) -> Void

    private struct Entry {
        var prepared: CQLPrepared
        var usedAt: UInt64
    }

    private let limit: Int
    private var entries: [String: Entry] = [:]
    private var waiters: [String: [Waiter]] = [:]
    private var clock: UInt64 = 0

    init(limit: Int) {
        precondition(limit > 0, "a cache holds something")
        self.limit = limit
    }

    var count: Int { self.entries.count }

    func find(_ text: String) -> CQLPrepared? {
        self.clock += 1
        guard let index = self.entries.index(forKey: text) else { return nil }
        self.entries.values[index].usedAt = self.clock
        return self.entries.values[index].prepared
    }

    /// Waits for a text that is not there; true for the first one, who has to prepare it and say `finished`.
    func wait(for text: String, _ waiter: @escaping Waiter) -> Bool {
        self.waiters[text, default: []].append(waiter)
        return self.waiters[text]?.count == 1
    }

    /// Ends the preparation of a text, well or not; all who wait are told.
    func finished(_ text: String, _ result: Result<CQLPrepared, CQLError>) {
        if case .success(let prepared) = result { self.store(text, prepared) }
        for waiter in self.waiters.removeValue(forKey: text) ?? [] { waiter(result) }
    }

    /// Keeps what a node answered to PREPARE; an id may change with the table or the server's version.
    func store(_ text: String, _ prepared: CQLPrepared) {
        self.clock += 1
        if self.entries[text] == nil, self.entries.count >= self.limit,
            let oldest = self.entries.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            self.entries[oldest.key] = nil
        }
        self.entries[text] = Entry(prepared: prepared, usedAt: self.clock)
    }
}
