/// A position in a room, as a client names it.
package enum MessageCursor: Sendable, Equatable {
    case message(MessageID)
    case time(Timestamp)
    case seq(Int64)

    /// Reads a message id, an RFC 3339 time or a `seq`; nil for anything else.
    package init?(text: String) {
        if let id = MessageID(text: text) {
            self = .message(id)
        } else if let seq = EventID(text: text)?.rawValue {
            self = .seq(seq)
        } else if let time = Timestamp(rfc3339: text) {
            self = .time(time)
        } else {
            return nil
        }
    }
}
