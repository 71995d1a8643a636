package import TimingleCore

/// `TicketStore` in memory.
package final class MemoryTicketStore: TicketStore {
    private struct State {
        var tickets: [[UInt8]: (user: UserID, endsAt: Timestamp)] = [:]
        var isAway = false
    }

    private let state = Locked(State())

    package init() {}

    package var isAway: Bool {
        get { self.state.withLock { $0.isAway } }
        set { self.state.withLock { $0.isAway = newValue } }
    }

    private func with<Result>(_ body: (inout State) -> Result) throws(StoreError) -> Result {
        let result: Result? = self.state.withLock { state in
            state.isAway ? nil : body(&state)
        }
        guard let result else { throw .unavailable("the memory store plays dead") }
        return result
    }

    package func keep(
        ticketHash: [UInt8],
        user: UserID,
        lifetime: Duration,
        now: Timestamp
    ) async throws(StoreError) {
        try self.with { $0.tickets[ticketHash] = (user, now + lifetime) }
    }

    package func take(ticketHash: [UInt8], now: Timestamp) async throws(StoreError) -> UserID? {
        try self.with { state -> UserID? in
            guard let ticket = state.tickets.removeValue(forKey: ticketHash), now < ticket.endsAt else { return nil }
            return ticket.user
        }
    }
}
