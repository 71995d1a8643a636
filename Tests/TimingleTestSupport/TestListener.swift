package import TimingleNet

/// A listener that was closed and has connections left.
package struct ConnectionsLeft: Error { package let count: Int }

/// Runs `body` with a listener over the group's loops, and closes it, whatever comes of it; no connection stays.
package func withListener(
    _ configuration: HTTPServerConfiguration,
    group: EventLoopGroup,
    _ body: (Listener) async throws -> Void
) async throws {
    let listener = try await Listener.bind(configuration, group: group)
    do {
        try await body(listener)
    } catch {
        await listener.close()
        throw error
    }
    await listener.close()
    guard listener.connectionCount == 0 else { throw ConnectionsLeft(count: listener.connectionCount) }
}
