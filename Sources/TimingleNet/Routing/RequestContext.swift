/// What surrounds one request: loop, identity, logger, route.
///
/// A value; middleware may hand on a changed copy.
package struct RequestContext: Sendable {
    /// The loop of the request's connection; the handler runs on it.
    package let loop: EventLoop
    package var requestID: String
    package var parameters: RouteParameters
    /// True where the request came over TLS of ours; a proxy's word is not in it.
    package let isSecure: Bool
    package let receivedAt: MonotonicInstant
    private let baseLog: Log
    private var attachments: [any Sendable] = []

    package init(
        loop: EventLoop,
        requestID: String,
        parameters: RouteParameters = RouteParameters(),
        isSecure: Bool = false,
        log: Log,
        receivedAt: MonotonicInstant = .now
    ) {
        self.loop = loop
        self.requestID = requestID
        self.parameters = parameters
        self.isSecure = isSecure
        self.baseLog = log
        self.receivedAt = receivedAt
    }

    /// The listener's logger with `request_id` on each line; made when asked for.
    package var log: Log { self.baseLog.with("request_id", .text(self.requestID)) }

    /// Leaves a value for those further in, found again by its type (middleware: the caller's identity).
    package mutating func attach<Value: Sendable>(_ value: Value) {
        self.attachments.removeAll { $0 is Value }
        self.attachments.append(value)
    }

    /// What a middleware left under that type.
    package func attachment<Value: Sendable>(_ type: Value.Type = Value.self) -> Value? {
        for attachment in self.attachments {
            if let value = attachment as? Value { return value }
        }
        return nil
    }
}
