/// Where the items of rooms are kept for good.
package protocol MessageStore: Sendable {
    /// Stores items, each idempotently: an item that is there already (same event and seq, or same event, sender and
    /// client id) is left as it is.
    ///
    /// Items of one room come in `seq` order. Throws `.rejected` when an item can never be stored; then none of the
    /// batch is.
    func append(_ messages: [ChatMessage]) async throws(StoreError)

    /// How far the stored room is; nil when nothing is stored.
    func position(event: EventID) async throws(StoreError) -> RoomPosition?

    /// Newest first; items with `seq` below `before`, at most `limit` (1 to 200).
    func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage]

    /// Oldest first; items with `seq` above `after`, at most `limit` (1 to 300).
    func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage]

    func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage?

    /// What the sender called `clientID` in this room, if it was ever stored.
    func message(event: EventID, sender: UserID, clientID: ClientMessageID) async throws(StoreError) -> ChatMessage?
}
