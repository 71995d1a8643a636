/// Which statements one connection has prepared, and which of them was not used for longest.
///
/// Loop-confined. No I/O: the connection sends what this decides.
struct PostgresStatementCache {
    /// The same text with other parameter types is another statement.
    struct Key: Hashable {
        let text: String
        let types: [PostgresType]

        init(_ statement: PostgresStatement) {
            self.text = statement.text
            self.types = statement.bindings.map(\.type)
        }
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { self.entries.count }

    /// The server's name of a prepared statement, which counts as a use.
    mutating func name(of key: Key) -> String? {
        self.uses += 1
        let uses = self.uses
        guard let index = self.entries.index(forKey: key) else { return nil }
        self.entries.values[index].lastUse = uses
        return self.entries.values[index].name
    }

    /// A name that this connection never used before.
    mutating func freshName() -> String {
        self.names += 1
        return "s\(self.names)"
    }

    /// Notes a statement that the server has prepared; returns the name of one that has to go for it.
    mutating func prepared(_ key: Key, name: String) -> String? {
        var evicted: String?
        if self.entries.count >= self.capacity, self.entries[key] == nil {
            // A scan of some hundred entries, only when a new statement meets a full cache.
            if let oldest = self.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
                evicted = oldest.value.name
                self.entries[oldest.key] = nil
            }
        }
        self.uses += 1
        self.entries[key] = Entry(name: name, lastUse: self.uses)
        return evicted
    }

    mutating func remove(_ key: Key) -> String? {
        self.entries.removeValue(forKey: key)?.name
    }
}
