internal import FoundationEssentials

/// The bytes of a change on `event.*`.
package enum ChangeRecord {
    package static func encode(_ change: EventChange) -> [UInt8] {
        JSONWriter.object(capacity: 1_024) { writer in
            writer.field("id", change.id.rawValue)
            writer.field("event_id", change.eventID.rawValue)
            writer.field("type", change.type.rawValue)
            writer.field("language", change.language.rawValue)
            writer.field("changed_at", change.changedAt)
            writer.field("subject_name", ifPresent: change.subjectName)
            writer.field(
                "entries",
                array: { writer in
                    for entry in change.entries {
                        writer.object { writer in
                            writer.field("change_id", entry.changeID.rawValue)
                            writer.field("event_id", entry.eventID.rawValue)
                            writer.field("actor_id", entry.actorID.rawValue)
                            writer.field("actor_name", entry.actorName)
                            writer.field("change_type", entry.changeType.rawValue)
                            writer.field("field_name", ifPresent: entry.fieldName)
                            writer.field("old_value", ifPresent: entry.oldValue)
                            writer.field("new_value", ifPresent: entry.newValue)
                            writer.field("changed_at", entry.changedAt)
                            writer.field("metadata", entry.metadata)
                        }
                    }
                }
            )
        }
    }

    /// Nil when the bytes are no change.
    package static func decode(_ bytes: [UInt8]) -> EventChange? {
        // The decoder is the model's own; a change is rare, so its speed does not matter.
        try? JSONDecoder().decode(EventChange.self, from: Data(bytes))
    }
}
