internal import TimingleCQL

/// Where an item is.
///
/// Immutable.
struct CQLMessagePlace: Sendable, Equatable {
    let seq: Int64
    let createdAt: Timestamp
    let messageID: MessageID

    init(seq: Int64, createdAt: Timestamp, messageID: MessageID) {
        self.seq = seq
        self.createdAt = createdAt
        self.messageID = messageID
    }

    /// Reads `seq`, `created_at` and `message_id`.
    init(_ row: CQLRow) throws(CQLCodingError) {
        self.seq = try row.decode("seq")
        self.createdAt = try row.decode("created_at")
        self.messageID = try row.decode("message_id")
    }
}

/// An item's claim to what its sender's client called it.
///
/// Immutable.
struct CQLMessageClaim: Sendable, Equatable {
    /// What is claimed.
    struct Key: Hashable, Sendable {
        let senderID: UserID
        let clientID: ClientMessageID
    }

    let eventID: EventID
    let senderID: UserID
    let clientID: ClientMessageID
    let place: CQLMessagePlace

    var seq: Int64 { self.place.seq }
    var key: Key { Key(senderID: self.senderID, clientID: self.clientID) }

    init(eventID: EventID, senderID: UserID, clientID: ClientMessageID, place: CQLMessagePlace) {
        self.eventID = eventID
        self.senderID = senderID
        self.clientID = clientID
        self.place = place
    }

    /// Nil for an item without a client id.
    init?(_ message: ChatMessage) {
        guard let clientID = message.clientID else { return nil }
        self.init(
            eventID: message.eventID,
            senderID: message.senderID,
            clientID: clientID,
            place: CQLMessagePlace(seq: message.seq, createdAt: message.createdAt, messageID: message.messageID)
        )
    }

    var statement: CQLStatement {
        """
        INSERT INTO chat_claims_by_sender (event_id, sender_id, client_id, seq, created_at, message_id)
        VALUES (
            \(self.eventID), \(self.senderID), \(self.clientID), \(self.seq), \(self.place.createdAt),
            \(self.place.messageID)
        )
        USING TIMESTAMP \(self.place.createdAt.writeTime)
        """
    }

    /// Removes the item's rows, whether they are there already or come later; its claim stays.
    ///
    /// One microsecond after they were or will be written, so that nothing else can be meant.
    func removals(bucket: Int32) -> [CQLStatement] {
        let (time, place) = (self.place.createdAt.writeTime + 1, self.place)
        let row: CQLStatement =
            if bucket == 0 {
                """
                DELETE FROM chat_messages_by_event USING TIMESTAMP \(time)
                WHERE event_id = \(self.eventID) AND created_at = \(place.createdAt)
                    AND message_id = \(place.messageID)
                """
            } else {
                """
                DELETE FROM chat_messages_by_event_bucket USING TIMESTAMP \(time)
                WHERE event_id = \(self.eventID) AND bucket = \(bucket) AND created_at = \(place.createdAt)
                    AND message_id = \(place.messageID)
                """
            }
        return [
            """
            DELETE FROM chat_places_by_event USING TIMESTAMP \(time)
            WHERE event_id = \(self.eventID) AND bucket = \(bucket) AND seq = \(place.seq)
            """,
            """
            DELETE FROM chat_ids_by_event USING TIMESTAMP \(time)
            WHERE event_id = \(self.eventID) AND message_id = \(place.messageID)
            """,
            """
            DELETE FROM chat_messages_by_user USING TIMESTAMP \(time)
            WHERE user_id = \(self.senderID) AND created_at = \(place.createdAt) AND event_id = \(self.eventID)
            """,
            row,
        ]
    }
}

extension Timestamp {
    /// The write timestamp of what was made at this time, in microseconds as CQL counts them.
    var writeTime: Int64 { self.milliseconds * 1_000 }
}
