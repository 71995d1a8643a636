extension ChatMessage: JSONWritable {
    /// S-Message of `contract.md` 1.0: the same in REST items and in the shipped app's frames.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("event_id", self.eventID.rawValue)
            writer.field("created_at", self.createdAt)
            writer.field("message_id", self.messageID.rawValue)
            writer.field("client_id", ifPresent: self.clientID?.rawValue)
            writer.field("seq", self.seq)
            writer.field("sender_id", self.senderID.rawValue)
            writer.field("sender_name", self.senderName)
            // The app tests for null only and would load an image from "".
            writer.field("sender_profile_url", ifPresent: self.senderProfileURL.flatMap { $0.isEmpty ? nil : $0 })
            writer.field("message", self.isDeleted ? "" : self.text)
            writer.field("message_type", self.type.rawValue)
            if !self.attachments.isEmpty { writer.field("attachments", self.attachments) }
            writer.field("reply_to", ifPresent: self.replyTo?.rawValue)
            writer.field("edited_at", ifPresent: self.editedAt)
            writer.field("is_deleted", self.isDeleted)
            if !self.metadata.isEmpty { writer.field("metadata", self.metadata) }
        }
    }
}
