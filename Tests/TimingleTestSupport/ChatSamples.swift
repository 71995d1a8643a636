package import TimingleCore

extension ChatMessage {
    /// A message whose id tells its `seq`.
    package static func sample(
        event: EventID = EventID(rawValue: 1),
        seq: Int64,
        text: String = "hello",
        sender: UserID = UserID(rawValue: 2)
    ) -> ChatMessage {
        ChatMessage(
            eventID: event,
            seq: seq,
            ordinal: seq,
            createdAt: Timestamp(milliseconds: 1_768_471_200_000 + seq),
            messageID: MessageID(
                rawValue: Identifier128(high: 0x7000, low: 0x8000_0000_0000_0000 | UInt64(seq))
            ),
            senderID: sender,
            senderName: "민수",
            text: text
        )
    }
}

extension EventChange {
    /// A change with one entry, named by its number.
    package static func sample(
        _ number: UInt64,
        event: EventID = EventID(rawValue: 1),
        type: ChangeType = .created,
        language: Language = .korean,
        field: String? = nil,
        subjectName: String? = nil,
        metadata: [String: String] = [:]
    ) -> EventChange {
        let id = ChangeID(rawValue: Identifier128(high: 0x7000, low: 0x8000_0000_0000_0000 | number))
        let time = Timestamp(milliseconds: 1_768_471_200_000 + Int64(number))
        let entry = HistoryEntry(
            changeID: id,
            eventID: event,
            actorID: UserID(rawValue: 2),
            actorName: "민수",
            changeType: type,
            fieldName: field,
            changedAt: time,
            metadata: metadata
        )
        return EventChange(
            id: id,
            eventID: event,
            type: type,
            language: language,
            changedAt: time,
            entries: [entry],
            subjectName: subjectName
        )
    }
}
