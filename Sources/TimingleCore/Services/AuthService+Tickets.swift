/// What a browser opens a socket with, because it can set no header.
///
/// Immutable.
package struct SocketTicket: Sendable, Equatable {
    package let text: String
    package let lifetime: Duration
}

/// Tickets: 256 bits that a signed-in user gets and shows once, in a URL.
///
/// They may stand in a URL, where proxies log them, because they are worth nothing once they were used, and nothing
/// after 30 seconds.
extension AuthService {
    package static let ticketLifetime: Duration = .seconds(30)

    package func issueTicket(userID: UserID) async throws(ServiceError) -> SocketTicket {
        let text = Base64URL.encode(SecureRandom.bytes(count: 32))
        do throws(StoreError) {
            try await self.ports.tickets.keep(
                ticketHash: Digest.sha256(text),
                user: userID,
                lifetime: Self.ticketLifetime,
                now: self.ports.clock.now()
            )
        } catch {
            throw error.asServiceError
        }
        return SocketTicket(text: text, lifetime: Self.ticketLifetime)
    }

    /// The active user whose ticket this is; the ticket is used up by it, whatever comes of the request.
    package func authenticate(ticket: String) async throws(ServiceError) -> User {
        guard ticket.utf8.count == 43, Base64URL.decode(ticket.utf8) != nil else { throw .ticketInvalid }
        let userID: UserID?
        do throws(StoreError) {
            userID = try await self.ports.tickets.take(
                ticketHash: Digest.sha256(ticket),
                now: self.ports.clock.now()
            )
        } catch {
            throw error.asServiceError
        }
        guard let userID, let user = try await self.activeUser(userID, fresh: false) else { throw .ticketInvalid }
        return user
    }
}
