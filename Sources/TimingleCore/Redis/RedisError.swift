/// What went wrong between us and Redis.
package struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds that callers tell apart.
    package enum Code: Sendable, Equatable {
        /// No connection, and none can be had right now; nothing was sent.
        case unavailable
        /// The connection ended while the command was under way; whether Redis ran it is unknown.
        case connectionLost
        /// No answer within the deadline; whether Redis ran it is unknown.
        case timeout
        /// Too many commands are under way on this loop; nothing was sent.
        case overloaded
        /// Redis answered with an error; `message` is its text.
        case server
        /// Redis answered something of another type than the caller expected.
        case unexpectedReply
        /// The URL or the command cannot be used.
        case configuration
        /// The client was closed.
        case closed
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// True when the same command may succeed later without any change of ours.
    package var isTransient: Bool {
        switch self.code {
        case .unavailable, .connectionLost, .timeout, .overloaded, .closed: true
        case .server: Self.transientPrefixes.contains { self.message.hasPrefix($0) }
        case .unexpectedReply, .configuration: false
        }
    }

    /// True for the answer to EVALSHA of a script that this server does not know (any more).
    var isUnknownScript: Bool { self.code == .server && self.message.hasPrefix("NOSCRIPT") }

    /// Redis loads, lacks memory, lost its master, runs a long script, cannot persist, or wants another password.
    private static let transientPrefixes = [
        "LOADING", "OOM", "MASTERDOWN", "READONLY", "BUSY", "MISCONF", "TRYAGAIN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS",
        "NOREPLICAS", "UNKILLABLE", "ERR max number of clients",
    ]

    package var description: String { "redis \(self.code): \(self.message)" }
}
