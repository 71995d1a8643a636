/// What went wrong between us and the cluster.
///
/// Immutable. `message` is the server's own where it refused; it may name a key, so it is for the log at most.
package struct CQLError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        // Ours.
        /// No node could be reached; nothing was sent.
        case notConnected
        /// The connection was lost after the request was sent: whether it took effect is unknown.
        case connectionLost
        /// No answer within our own deadline.
        case timeout
        /// Too many callers were waiting already; nothing was sent.
        case tooManyWaiters
        /// The task was cancelled.
        case cancelled
        /// The client or the connection has ended.
        case closed
        /// A value is not what the statement's marker wants, or a statement cannot be sent; nothing was sent.
        case encoding
        /// The server said something that is not in the protocol, or not what was asked for.
        case decoding
        /// No encrypted connection came about: one side does not believe the other, or does not speak TLS.
        case tls
        /// The settings cannot work: a host without an address, files of TLS that cannot be read.
        case settings
        /// The nodes did not come to one schema in time.
        case schemaDisagreement

        // The server's (native protocol v4 section 9).
        case serverError
        case protocolError
        case authentication
        case unavailable
        case overloaded
        case isBootstrapping
        case truncate
        case writeTimeout
        case readTimeout
        case readFailure
        case functionFailure
        case writeFailure
        case cdcWriteFailure
        case casWriteUnknown
        case syntax
        case unauthorized
        case invalid
        case configuration
        case alreadyExists
        case unprepared
        case otherServerError
    }

    package let code: Code
    package let message: String
    /// The node that answered, or that was asked last.
    package var node: String?
    /// Whether a node may have seen the request.
    package var wasSent: Bool
    /// What lay beneath, in words.
    package var underlying: String?
    /// Whether an earlier try of the same request had an unknown outcome.
    package var followsUnknownTry = false

    package init(
        _ code: Code,
        _ message: String,
        node: String? = nil,
        wasSent: Bool = false,
        underlying: String? = nil
    ) {
        self.code = code
        self.message = message
        self.node = node
        self.wasSent = wasSent
        self.underlying = underlying
    }

    package var description: String {
        var text = "\(self.code.rawValue): \(self.message)"
        if let underlying = self.underlying { text += " (\(underlying))" }
        if let node = self.node { text += " [\(node)]" }
        return text
    }

    /// True when the statement may or may not have taken effect, or may yet take it.
    ///
    /// A write that failed on one replica may have reached another, so a failure is unknown like a timeout.
    package var isUnknownOutcome: Bool {
        if self.followsUnknownTry { return true }
        switch self.code {
        case .connectionLost, .writeTimeout, .writeFailure, .casWriteUnknown, .serverError, .cdcWriteFailure:
            return true
        case .timeout, .cancelled, .closed, .decoding, .overloaded: return self.wasSent
        case .notConnected, .tls, .tooManyWaiters, .encoding, .settings, .schemaDisagreement: return false
        case .protocolError, .authentication, .unavailable, .isBootstrapping, .truncate, .readTimeout: return false
        case .readFailure, .functionFailure, .syntax, .unauthorized, .invalid, .configuration: return false
        case .alreadyExists, .unprepared, .otherServerError: return false
        }
    }

    /// The cluster is away or overloaded; the same call may succeed later.
    package var isTransient: Bool {
        switch self.code {
        case .notConnected, .connectionLost, .timeout, .tooManyWaiters, .unavailable, .overloaded: true
        case .isBootstrapping, .writeTimeout, .readTimeout, .readFailure, .writeFailure, .serverError: true
        case .casWriteUnknown, .schemaDisagreement, .truncate: true
        case .cancelled, .closed, .encoding, .decoding, .tls, .settings, .protocolError, .authentication: false
        case .functionFailure, .cdcWriteFailure, .syntax, .unauthorized, .invalid, .configuration: false
        case .alreadyExists, .unprepared, .otherServerError: false
        }
    }
}
