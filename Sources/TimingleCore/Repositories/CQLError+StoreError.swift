internal import TimingleCQL

extension CQLError {
    /// What this failure means to a service.
    ///
    /// Only what the data itself is to blame for is `.rejected`. A write whose outcome is unknown is tried again: all
    /// of ours are idempotent. A table that is missing or a right that was not granted is put right by an operator,
    /// and the same call succeeds then; so what the server calls invalid is poison only where it says that it is too
    /// large.
    var asStoreError: StoreError {
        switch self.code {
        case .encoding: .rejected(self.description)
        case .invalid where self.isTooLarge: .rejected(self.description)
        default: .unavailable(self.description)
        }
    }

    /// Cassandra's and ScyllaDB's words for a key, a value or a mutation beyond what the server takes.
    private var isTooLarge: Bool {
        ["too large", "too big", "larger than", "exceeds", "exceeded"].contains { self.message.contains($0) }
    }
}
