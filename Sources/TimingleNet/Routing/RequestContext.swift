/// What surrounds one request: loop, identity, logger, route.
///
/// A value; middleware may hand on a changed copy.
package struct RequestContext: Sendable {
    /// The loop of the request's connection; the handler runs on it.
    package let loop: EventLoop
    private var identity: Identity
    package var parameters: RouteParameters
    /// True where the request came over TLS of ours; a proxy's word is not in it.
    package let isSecure: Bool
    package private(set) var receivedAt: MonotonicInstant
    private let baseLog: Log
    private var attachments: [any Sendable] = []

    private enum Identity {
        case number(RequestNumber)
        case text(String)
    }

    /// The text that names the request in logs and answers; made when asked for.
    package var requestID: String {
        get {
            switch self.identity {
            case .number(let number): number.text
            case .text(let text): text
            }
        }
        set { self.identity = .text(newValue) }
    }

    package init(
        loop: EventLoop,
        requestID: String,
        parameters: RouteParameters = RouteParameters(),
        isSecure: Bool = false,
        log: Log,
        receivedAt: MonotonicInstant = .now
    ) {
        self.loop = loop
        self.identity = .text(requestID)
        self.parameters = parameters
        self.isSecure = isSecure
        self.baseLog = log
        self.receivedAt = receivedAt
    }

    /// Surrounds the requests of one loop, one after the other: `begin` says that the next one has come.
    init(loop: EventLoop, isSecure: Bool, log: Log) {
        self.init(loop: loop, requestID: "", isSecure: isSecure, log: log, receivedAt: loop.now)
    }

    /// Becomes the surroundings of a request that has just come.
    mutating func begin(_ number: RequestNumber) {
        self.identity = .number(number)
        self.receivedAt = self.loop.now
    }

    /// Lets go of what belongs to one request.
    mutating func clear() {
        if !self.parameters.isEmpty { self.parameters = RouteParameters() }
        if !self.attachments.isEmpty { self.attachments = [] }
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
