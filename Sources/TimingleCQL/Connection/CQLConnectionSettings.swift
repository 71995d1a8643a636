package import TimingleNet

/// What a connection may take, and for how long it waits.
///
/// Immutable.
package struct CQLConnectionSettings: Sendable {
    /// From the first packet to READY: TCP, TLS, authentication.
    package var connectTimeout: Duration = .seconds(5)
    /// After so long without a byte the server is asked for a sign of life (OPTIONS).
    package var heartbeatInterval: Duration = .seconds(30)
    /// How long that may take.
    package var heartbeatTimeout: Duration = .seconds(3)
    package var credentials: CQLCredentials?
    /// Sent with STARTUP besides `CQL_VERSION`, such as `DRIVER_NAME`.
    package var startupOptions: [String: String] = [:]
    package var tls: TLSContext?
    /// The name that the server's certificate must have; nil where the context trusts anybody.
    package var serverName: String?
    /// Requests under way at once, orphans among them; at most 32,768.
    package var streamsMax = StreamIDAllocator.all
    /// The longest body that is taken.
    package var bodyBytesMax = 64 * 1024 * 1024
    /// Bytes that may wait for the kernel.
    package var outboxBytesMax = 16 * 1024 * 1024
    /// The connection ends when more streams than these were given up longer ago than `orphanAge`: the server has
    /// lost them, and their streams with them.
    package var orphansMax = 1024
    package var orphanAge: Duration = .seconds(1)

    package init() {}
}

/// A user and the password, for a server that wants them.
///
/// Immutable. It prints itself without the password.
package struct CQLCredentials: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    package let username: String
    package let password: String

    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    package var description: String { "credentials of \(self.username)" }
    package var debugDescription: String { self.description }
}
