/// What a worker does with the messages of one stream.
package protocol StreamSink: Sendable {
    associatedtype Record: Sendable
    /// Nil when the bytes can never be a record.
    func decode(_ payload: [UInt8]) -> Record?
    /// Stores records idempotently; throws `.rejected` when one of them can never be stored.
    func store(_ records: [Record]) async throws(StoreError)
}

extension StreamSink {
    /// Stores all records but those that can never be stored; returns the places of these, and why.
    ///
    /// One bad record makes the store refuse the whole batch; then each is stored alone.
    func store(sparing records: [Record]) async throws(StoreError) -> [Int: String] {
        do throws(StoreError) {
            try await self.store(records)
            return [:]
        } catch {
            if case .unavailable = error { throw error }
            guard records.count > 1 else { return [0: "\(error)"] }
        }
        var refused: [Int: String] = [:]
        for (place, record) in records.enumerated() {
            refused[place] = try await self.store(sparing: [record])[0]
        }
        return refused
    }
}
