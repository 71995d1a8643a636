extension ChatMessage {
    /// The longest text that a store takes, in bytes of UTF-8.
    static let storedTextBytesMax = 65_536

    /// Why no store can ever keep this item; nil when one can.
    ///
    /// PostgreSQL's schema says the same in constraints; stores without constraints ask here.
    var storageRefusal: String? {
        if self.eventID.rawValue < 1 { return "an event's number begins at 1" }
        if self.seq < 1 { return "seq begins at 1" }
        if !(0...self.seq).contains(self.ordinal) { return "ordinal lies between 0 and seq" }
        if !Timestamp.range.contains(self.createdAt.milliseconds) { return "created_at is out of range" }
        if (self.senderID == .system) != (self.type == .system) { return "lines of type system are the system's own" }
        if self.text.utf8.count > Self.storedTextBytesMax { return "the text is too long" }
        let texts = [self.text, self.senderName, self.senderProfileURL ?? ""] + self.attachments
        if (texts + self.metadata.keys + self.metadata.values).contains(where: { $0.utf8.contains(0) }) {
            return "a text contains NUL"
        }
        return nil
    }
}

extension HistoryEntry {
    /// Why no store can ever keep this entry; nil when one can.
    var storageRefusal: String? {
        if self.eventID.rawValue < 1 { return "an event's number begins at 1" }
        if !Timestamp.range.contains(self.changedAt.milliseconds) { return "changed_at is out of range" }
        let texts = [self.actorName, self.fieldName ?? "", self.oldValue ?? "", self.newValue ?? ""]
        if (texts + self.metadata.keys + self.metadata.values).contains(where: { $0.utf8.contains(0) }) {
            return "a text contains NUL"
        }
        return nil
    }
}
