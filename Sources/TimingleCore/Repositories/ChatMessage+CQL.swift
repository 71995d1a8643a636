internal import TimingleCQL

extension ChatMessage {
    /// The columns of both tables of items, in the order in which `init(_:)` reads them.
    static let cqlColumns = """
        event_id, created_at, message_id, sender_id, sender_name, sender_profile_url, message, message_type, \
        attachments, reply_to, edited_at, is_deleted, metadata, seq, ordinal, client_id
        """

    /// About how much the row takes in a write.
    var storedBytes: Int {
        let texts = self.attachments + self.metadata.keys + self.metadata.values
        return texts.reduce(self.text.utf8.count + self.senderName.utf8.count + 256) { $0 + $1.utf8.count + 8 }
    }

    /// The item's row.
    ///
    /// What it does not have is left unset: null would be written as a tombstone.
    func rowStatement(bucket: Int32) -> CQLStatement {
        let values: CQLStatement = """
            \(self.eventID), \(self.createdAt), \(self.messageID), \(self.senderID), \(self.senderName),
            \(orUnset: self.senderProfileURL), \(self.text), \(self.type), \(CQLValue.unlessEmpty(self.attachments)),
            \(orUnset: self.replyTo), \(orUnset: self.editedAt), \(self.isDeleted),
            \(CQLValue.unlessEmpty(self.metadata)), \(self.seq), \(self.ordinal), \(orUnset: self.clientID)
            """
        let time = self.createdAt.writeTime
        guard bucket > 0 else {
            return """
                INSERT INTO chat_messages_by_event (\(unsafe: Self.cqlColumns)) VALUES (\(values))
                USING TIMESTAMP \(time)
                """
        }
        return """
            INSERT INTO chat_messages_by_event_bucket (\(unsafe: Self.cqlColumns), bucket) VALUES (\(values), \(bucket))
            USING TIMESTAMP \(time)
            """
    }

    /// Where the item is, by its place.
    func placeStatement(bucket: Int32) -> CQLStatement {
        """
        INSERT INTO chat_places_by_event (event_id, bucket, seq, created_at, message_id, ordinal)
        VALUES (\(self.eventID), \(bucket), \(self.seq), \(self.createdAt), \(self.messageID), \(self.ordinal))
        USING TIMESTAMP \(self.createdAt.writeTime)
        """
    }

    /// Where the item is, by its id.
    var idStatement: CQLStatement {
        """
        INSERT INTO chat_ids_by_event (event_id, message_id, seq, created_at)
        VALUES (\(self.eventID), \(self.messageID), \(self.seq), \(self.createdAt))
        USING TIMESTAMP \(self.createdAt.writeTime)
        """
    }

    var activityStatement: CQLStatement {
        """
        INSERT INTO chat_messages_by_user (user_id, created_at, event_id, message_id)
        VALUES (\(self.senderID), \(self.createdAt), \(self.eventID), \(self.messageID))
        USING TIMESTAMP \(self.createdAt.writeTime)
        """
    }

    /// Reads `cqlColumns`.
    init(_ row: CQLRow) throws(CQLCodingError) {
        self.init(
            eventID: try row.decode(at: 0),
            seq: try row.decode(at: 13),
            ordinal: try row.decode(at: 14),
            createdAt: try row.decode(at: 1),
            messageID: try row.decode(at: 2),
            clientID: try row.decode(at: 15),
            senderID: try row.decode(at: 3),
            senderName: try row.decode(at: 4),
            senderProfileURL: try row.decode(at: 5),
            text: try row.decode(at: 6),
            type: try row.decode(at: 7),
            attachments: try row.decode(at: 8),
            replyTo: try row.decode(at: 9),
            editedAt: try row.decode(at: 10),
            isDeleted: try row.decode(at: 11, as: Bool?.self) ?? false,
            metadata: try row.decode(at: 12)
        )
    }
}
