extension EventChange {
    /// The change as it stands in the outbox: the same bytes that travel on `event.*`.
    package func json() -> [UInt8] { ChangeRecord.encode(self) }

    package init(json bytes: [UInt8]) throws(StoreError) {
        guard let change = ChangeRecord.decode(bytes) else { throw .rejected("not a change of an event") }
        self = change
    }

    /// The broker's subject: `event.updated`.
    package var subject: String { "event.\(self.type.subjectToken)" }
}
