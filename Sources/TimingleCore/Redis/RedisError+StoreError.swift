extension RedisError {
    /// What a repository reports to its service.
    var asStoreError: StoreError {
        self.isTransient ? .unavailable(self.description) : .rejected(self.description)
    }
}
