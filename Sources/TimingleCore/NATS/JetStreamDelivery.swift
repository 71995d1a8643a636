/// A message that a consumer was given, with what is needed to settle it.
///
/// Immutable.
package struct JetStreamDelivery: Sendable {
    package let payload: [UInt8]
    /// Its place in the stream.
    package let sequence: UInt64
    /// 1 for the first delivery.
    package let deliveryCount: UInt64
    /// How many wait behind it.
    package let pending: UInt64
    /// Where its acknowledgement goes.
    package let replySubject: String
    package let subject: String

    package init(
        payload: [UInt8],
        sequence: UInt64,
        deliveryCount: UInt64,
        pending: UInt64,
        replySubject: String,
        subject: String
    ) {
        self.payload = payload
        self.sequence = sequence
        self.deliveryCount = deliveryCount
        self.pending = pending
        self.replySubject = replySubject
        self.subject = subject
    }

    /// Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`.
    ///
    /// The longer form has domain and account in front of the stream. Nil when the reply subject has neither form.
    init?(_ message: NATSMessage) {
        guard let reply = message.reply else { return nil }
        let tokens = reply.split(separator: ".", omittingEmptySubsequences: false)
        guard tokens.count >= 9, tokens[0] == "$JS", tokens[1] == "ACK" else { return nil }
        let offset = tokens.count == 9 ? 4 : 6
        guard tokens.count == 9 || tokens.count >= 11,
            let delivered = UInt64(tokens[offset]),
            let sequence = UInt64(tokens[offset + 1]),
            let pending = UInt64(tokens[offset + 4])
        else { return nil }
        self.init(
            payload: message.payload,
            sequence: sequence,
            deliveryCount: delivered,
            pending: pending,
            replySubject: reply,
            subject: message.subject
        )
    }
}

/// What becomes of a delivery.
package enum JetStreamSettlement: Sendable, Equatable {
    /// Done.
    case ack
    /// Again, after the delay.
    case nak(after: Duration)
    /// Still at work: the wait for the acknowledgement starts anew.
    case inProgress
    /// Never again.
    case term

    var payload: [UInt8] {
        switch self {
        case .ack: Array("+ACK".utf8)
        case .nak(let delay): Array("-NAK {\"delay\":\(max(0, delay.wholeNanoseconds))}".utf8)
        case .inProgress: Array("+WPI".utf8)
        case .term: Array("+TERM".utf8)
        }
    }
}
