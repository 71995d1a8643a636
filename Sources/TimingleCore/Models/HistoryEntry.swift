/// What was done to an event; the words of `contract.md` 4.11.
package enum ChangeType: String, Sendable, CaseIterable, Codable {
    case created = "CREATED"
    case updated = "UPDATED"
    case confirmed = "CONFIRMED"
    case canceled = "CANCELED"
    case done = "DONE"
    case participantAdded = "PARTICIPANT_ADDED"
    case participantRemoved = "PARTICIPANT_REMOVED"
    case participantAccepted = "PARTICIPANT_ACCEPTED"
    case participantDeclined = "PARTICIPANT_DECLINED"

    /// The last token of the broker's subject, `event.<this>`.
    package var subjectToken: String { self.rawValue.lowercased() }
}

/// One line of evidence: who changed which field from what to what, and when.
///
/// Immutable.
package struct HistoryEntry: Sendable, Equatable, Codable {
    package let changeID: ChangeID
    package let eventID: EventID
    package let actorID: UserID
    package let actorName: String
    package let changeType: ChangeType
    package let fieldName: String?
    /// JSON text, or nil.
    package let oldValue: String?
    /// JSON text, or nil.
    package let newValue: String?
    package let changedAt: Timestamp
    /// `ip_address`, `user_agent`, `reason` and the like.
    package let metadata: [String: String]

    package init(
        changeID: ChangeID,
        eventID: EventID,
        actorID: UserID,
        actorName: String,
        changeType: ChangeType,
        fieldName: String? = nil,
        oldValue: String? = nil,
        newValue: String? = nil,
        changedAt: Timestamp,
        metadata: [String: String] = [:]
    ) {
        self.changeID = changeID
        self.eventID = eventID
        self.actorID = actorID
        self.actorName = actorName
        self.changeType = changeType
        self.fieldName = fieldName
        self.oldValue = oldValue
        self.newValue = newValue
        self.changedAt = changedAt
        self.metadata = metadata
    }

    enum CodingKeys: String, CodingKey {
        case changeID = "change_id"
        case eventID = "event_id"
        case actorID = "actor_id"
        case actorName = "actor_name"
        case changeType = "change_type"
        case fieldName = "field_name"
        case oldValue = "old_value"
        case newValue = "new_value"
        case changedAt = "changed_at"
        case metadata
    }
}

/// One operation on an event: an outbox row, one publication on `event.<type>`, one system line, one or more entries.
package struct EventChange: Sendable, Equatable, Codable {
    /// Names the operation: the broker's de-duplication key and the system line's origin.
    package let id: ChangeID
    package let eventID: EventID
    package let type: ChangeType
    /// The language of the system line.
    package let language: Language
    package let changedAt: Timestamp
    /// Entry 0 carries `id`; the others have ids of their own.
    package let entries: [HistoryEntry]
    /// Name of the participant whom the change is about, where it is about one.
    package let subjectName: String?

    package init(
        id: ChangeID,
        eventID: EventID,
        type: ChangeType,
        language: Language,
        changedAt: Timestamp,
        entries: [HistoryEntry],
        subjectName: String? = nil
    ) {
        self.id = id
        self.eventID = eventID
        self.type = type
        self.language = language
        self.changedAt = changedAt
        self.entries = entries
        self.subjectName = subjectName
    }

    enum CodingKeys: String, CodingKey {
        case id
        case eventID = "event_id"
        case type
        case language
        case changedAt = "changed_at"
        case entries
        case subjectName = "subject_name"
    }
}
