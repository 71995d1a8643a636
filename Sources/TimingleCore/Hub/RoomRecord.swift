/// The bytes of an item in the broker: its S-Message and, behind it, what only we need.
package enum RoomRecord {
    /// `json` is the message's text as clients get it; encoding it once serves both.
    package static func encode(_ message: ChatMessage, json: [UInt8]) -> [UInt8] {
        var bytes = json
        bytes.removeLast()
        bytes.append(contentsOf: ",\"ordinal\":\(message.ordinal)}".utf8)
        return bytes
    }

    package static func encode(_ message: ChatMessage) -> [UInt8] {
        self.encode(message, json: JSONWriter.bytes(of: message))
    }

    /// Nil when the bytes are no item of ours.
    package static func decode(_ bytes: [UInt8]) -> ChatMessage? {
        guard let value = try? JSONReader.parse(bytes), case .object(let fields) = value,
            let event = fields["event_id"]?.integerValue, event > 0,
            let seq = fields["seq"]?.integerValue, seq > 0,
            let ordinal = fields["ordinal"]?.integerValue, ordinal >= 0,
            let createdAt = fields.text("created_at").flatMap({ Timestamp(rfc3339: $0) }),
            let messageID = fields.text("message_id").flatMap({ MessageID(text: $0) }),
            let sender = fields["sender_id"]?.integerValue, sender >= 0,
            let senderName = fields.text("sender_name"),
            let text = fields.text("message"),
            let type = fields.text("message_type").flatMap({ MessageType(rawValue: $0) })
        else { return nil }
        var metadata: [String: String] = [:]
        if case .object(let members)? = fields["metadata"] {
            for (name, value) in members {
                guard case .string(let text) = value else { return nil }
                metadata[name] = text
            }
        }
        var attachments: [String] = []
        if case .array(let values)? = fields["attachments"] {
            for value in values {
                guard case .string(let text) = value else { return nil }
                attachments.append(text)
            }
        }
        return ChatMessage(
            eventID: EventID(rawValue: event),
            seq: seq,
            ordinal: ordinal,
            createdAt: createdAt,
            messageID: messageID,
            clientID: fields.text("client_id").flatMap { ClientMessageID(text: $0) },
            senderID: UserID(rawValue: sender),
            senderName: senderName,
            senderProfileURL: fields.text("sender_profile_url"),
            text: text,
            type: type,
            attachments: attachments,
            replyTo: fields.text("reply_to").flatMap { MessageID(text: $0) },
            editedAt: fields.text("edited_at").flatMap { Timestamp(rfc3339: $0) },
            isDeleted: fields["is_deleted"] == .bool(true),
            metadata: metadata
        )
    }
}

extension [String: JSONValue] {
    /// The member's text, if it is one.
    func text(_ name: String) -> String? {
        guard case .string(let text)? = self[name] else { return nil }
        return text
    }
}
