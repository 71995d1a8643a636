/// A message that arrived, copied out of cnats.
///
/// Immutable.
package struct NATSMessage: Sendable {
    package let subject: String
    package let reply: String?
    package let payload: [UInt8]
    /// The headers of `NATSMessage.readHeaders` that the message had.
    package let headers: [String: String]

    package init(subject: String, reply: String? = nil, payload: [UInt8], headers: [String: String] = [:]) {
        self.subject = subject
        self.reply = reply
        self.payload = payload
        self.headers = headers
    }

    /// The headers that we read; others stay behind.
    static let readHeaders = ["Status", "Description", "Nats-Pending-Messages", "Nats-Msg-Id", "Timingle-Origin"]

    /// The number of a message by the server itself (404, 408, 503 …), or nil.
    package var status: Int? { self.headers["Status"].flatMap { Int($0) } }
}

/// A message to send.
package struct NATSOutgoing: Sendable {
    package var subject: String
    package var reply: String?
    package var payload: [UInt8]
    package var headers: [(name: String, value: String)]

    package init(
        subject: String,
        reply: String? = nil,
        payload: [UInt8] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.subject = subject
        self.reply = reply
        self.payload = payload
        self.headers = headers
    }

    var cost: Int { self.payload.count + self.subject.utf8.count + 64 }
}
