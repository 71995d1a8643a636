/// Single-use tickets that open a socket: only their SHA-256 is kept, and not for long.
package protocol TicketStore: Sendable {
    /// Keeps the ticket until it is taken or `lifetime` is over.
    func keep(ticketHash: [UInt8], user: UserID, lifetime: Duration, now: Timestamp) async throws(StoreError)
    /// Takes the ticket away and answers whose it is; nil when it is unknown, was taken before or has ended.
    ///
    /// Of several at the same time one gets it.
    func take(ticketHash: [UInt8], now: Timestamp) async throws(StoreError) -> UserID?
}
