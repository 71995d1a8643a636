/// Tickets in Redis: `ws:ticket:<hash>` holds the user's number and the ticket's end.
///
/// Any thread; fails closed.
package struct RedisTicketRepository: TicketStore {
    private let client: RedisClient

    package init(client: RedisClient) { self.client = client }

    package func keep(
        ticketHash: [UInt8],
        user: UserID,
        lifetime: Duration,
        now: Timestamp
    ) async throws(StoreError) {
        let milliseconds = lifetime.fullMilliseconds
        do throws(RedisError) {
            _ = try await self.client.command([
                "SET", Self.key(ticketHash), "\(user):\((now + lifetime).milliseconds)", "PX",
                RedisArgument(milliseconds),
            ])
        } catch {
            throw error.asStoreError
        }
    }

    package func take(ticketHash: [UInt8], now: Timestamp) async throws(StoreError) -> UserID? {
        do throws(RedisError) {
            let reply = try await self.client.script(Self.takeScript, keys: [Self.key(ticketHash)], arguments: [])
            guard let text = try reply.textValue() else { return nil }
            let parts = text.split(separator: ":")
            guard parts.count == 2, let user = UserID(text: String(parts[0])), let end = Int64(parts[1]) else {
                throw RedisError(.unexpectedReply, "a ticket without its parts")
            }
            return now.milliseconds < end ? user : nil
        } catch {
            throw error.asStoreError
        }
    }

    private static func key(_ hash: [UInt8]) -> RedisArgument { "ws:ticket:\(Digest.hexadecimal(hash))" }

    /// GETDEL, which came with Redis 6.2.
    private static let takeScript = RedisScript(
        """
        local value = redis.call('GET', KEYS[1])
        if value then redis.call('DEL', KEYS[1]) end
        return value
        """
    )
}
