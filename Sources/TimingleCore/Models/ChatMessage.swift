/// What kind of line a message is.
package enum MessageType: String, Sendable, CaseIterable, Codable {
    case text
    case system
    case image
    case file
}

/// One item of a room's log; the same values on the wire, in the broker and in the store.
///
/// Immutable.
package struct ChatMessage: Sendable, Equatable {
    package let eventID: EventID
    /// Place in the room: gapless from 1, system lines included.
    package let seq: Int64
    /// How many messages by people the room holds up to and including this one; system lines repeat the last value.
    package let ordinal: Int64
    /// Strictly increasing within the room.
    package let createdAt: Timestamp
    package let messageID: MessageID
    package let clientID: ClientMessageID?
    /// `UserID.system` for system lines.
    package let senderID: UserID
    package let senderName: String
    package let senderProfileURL: String?
    package let text: String
    package let type: MessageType
    package let attachments: [String]
    package let replyTo: MessageID?
    package let editedAt: Timestamp?
    package let isDeleted: Bool
    package let metadata: [String: String]

    package init(
        eventID: EventID,
        seq: Int64,
        ordinal: Int64,
        createdAt: Timestamp,
        messageID: MessageID,
        clientID: ClientMessageID? = nil,
        senderID: UserID,
        senderName: String,
        senderProfileURL: String? = nil,
        text: String,
        type: MessageType = .text,
        attachments: [String] = [],
        replyTo: MessageID? = nil,
        editedAt: Timestamp? = nil,
        isDeleted: Bool = false,
        metadata: [String: String] = [:]
    ) {
        self.eventID = eventID
        self.seq = seq
        self.ordinal = ordinal
        self.createdAt = createdAt
        self.messageID = messageID
        self.clientID = clientID
        self.senderID = senderID
        self.senderName = senderName
        self.senderProfileURL = senderProfileURL
        self.text = text
        self.type = type
        self.attachments = attachments
        self.replyTo = replyTo
        self.editedAt = editedAt
        self.isDeleted = isDeleted
        self.metadata = metadata
    }
}

/// How far a room has come.
package struct RoomPosition: Sendable, Equatable {
    package var seq: Int64
    package var ordinal: Int64
    package var createdAt: Timestamp

    package init(seq: Int64, ordinal: Int64, createdAt: Timestamp) {
        self.seq = seq
        self.ordinal = ordinal
        self.createdAt = createdAt
    }
}
