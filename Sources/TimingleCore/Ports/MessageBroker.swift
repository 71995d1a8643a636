/// Why the broker did not take an item, or what it could not tell.
package enum BrokerError: Error, Sendable, Equatable {
    /// Somebody else appended to the room first; nothing was stored.
    case wrongLastSequence
    /// The broker is away or overloaded; nothing was stored.
    case unavailable(String)
    /// No answer in time: the item may be stored or not.
    ///
    /// The same key again is safe.
    case outcomeUnknown(String)
    /// The broker refuses this item (too large, stream full); nothing was stored.
    case rejected(String)
}

/// The broker's promise that an item is stored.
package struct BrokerReceipt: Sendable, Equatable {
    /// The item's place in the broker's stream; not the room's order.
    package let sequence: UInt64
    /// The key was there already; `sequence` is the place of the first one.
    package let isDuplicate: Bool

    package init(sequence: UInt64, isDuplicate: Bool) {
        self.sequence = sequence
        self.isDuplicate = isDuplicate
    }
}

/// An item that the broker holds.
package struct BrokerItem: Sendable, Equatable {
    package let sequence: UInt64
    package let payload: [UInt8]

    package init(sequence: UInt64, payload: [UInt8]) {
        self.sequence = sequence
        self.payload = payload
    }
}

/// The durable log that puts each room's items into one order.
package protocol MessageBroker: Sendable {
    /// Appends to the room's log if its last item is still the one at `expectedLast` (0: the log is empty).
    ///
    /// `key` names the item: the same key within the broker's window is the same item.
    func append(
        event: EventID,
        payload: [UInt8],
        key: String,
        expectedLast: UInt64
    ) async throws(BrokerError) -> BrokerReceipt

    /// The last item of the room, or nil.
    func last(event: EventID) async throws(BrokerError) -> BrokerItem?

    /// The item at a place of the stream, or nil when it is no longer there.
    func item(at sequence: UInt64) async throws(BrokerError) -> BrokerItem?

    /// The first item of the room at or after a place of the stream, or nil.
    func next(event: EventID, from sequence: UInt64) async throws(BrokerError) -> BrokerItem?
}

/// What the processes tell each other of rooms besides items.
package enum RoomSignal: Sendable, Equatable {
    /// The user is no longer a member.
    case evicted(EventID, UserID)
    case typing(EventID, UserID, name: String)
}

/// Tells the other processes at once what was appended and what happens; may lose, double and disorder.
package protocol RoomRelay: Sendable {
    func announce(event: EventID, item: BrokerItem)
    /// Calls `handler` on any thread with what other processes announced.
    func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void)
    /// Calls `handler` on any thread whenever announcements of others may have been lost, once they are heard again.
    func listen(losses handler: @escaping @Sendable () -> Void)
    func signal(_ signal: RoomSignal)
    /// Calls `handler` on any thread with what other processes signalled.
    func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void)
}

/// Where committed changes go.
package protocol ChangePublisher: Sendable {
    /// Publishes once: the change's id is its key.
    func publish(_ change: EventChange) async throws(BrokerError)
}

/// What somebody wants to say in a room; the room adds place, time and id.
package struct RoomDraft: Sendable, Equatable {
    package var eventID: EventID
    package var senderID: UserID
    package var senderName: String
    package var senderProfileURL: String?
    package var text: String
    package var type: MessageType
    package var attachments: [String]
    package var replyTo: MessageID?
    package var metadata: [String: String]
    /// The sender's own name for it: the same one again is the same message.
    package var clientID: ClientMessageID?
    /// The broker's key; nil: made of the client id or of the message id.
    package var key: String?

    package init(
        eventID: EventID,
        senderID: UserID,
        senderName: String,
        senderProfileURL: String? = nil,
        text: String,
        type: MessageType = .text,
        attachments: [String] = [],
        replyTo: MessageID? = nil,
        metadata: [String: String] = [:],
        clientID: ClientMessageID? = nil,
        key: String? = nil
    ) {
        self.eventID = eventID
        self.senderID = senderID
        self.senderName = senderName
        self.senderProfileURL = senderProfileURL
        self.text = text
        self.type = type
        self.attachments = attachments
        self.replyTo = replyTo
        self.metadata = metadata
        self.clientID = clientID
        self.key = key
    }
}

/// A message in its place.
package struct PlacedMessage: Sendable, Equatable {
    package let message: ChatMessage
    /// The sender sent it before, and the members were shown it then: now only the sender is to be told.
    package let isRepeat: Bool

    package init(_ message: ChatMessage, isRepeat: Bool) {
        self.message = message
        self.isRepeat = isRepeat
    }
}

/// Appends to rooms and shows their members what was appended.
package protocol RoomPublisher: Sendable {
    /// Returns once the broker holds the message; the members are shown it at the same moment.
    func append(_ draft: RoomDraft) async throws(ServiceError) -> ChatMessage
}
