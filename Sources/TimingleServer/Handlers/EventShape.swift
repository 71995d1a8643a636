internal import TimingleCore

extension JSONWriter {
    /// The members of S-Event (`contract.md` 1.0).
    mutating func eventFields(_ details: EventDetails) {
        let event = details.event
        self.field("id", event.id.rawValue)
        self.field("title", event.title)
        self.field("description", ifPresent: event.description)
        self.field("location", ifPresent: event.location)
        self.field("start_time", event.startTime)
        self.field("end_time", event.endTime)
        self.field("status", event.status.rawValue)
        self.field("creator_id", event.creatorID.rawValue)
        self.field("creator", object: { $0.participantFields(details.creator) })
        self.field(
            "participants",
            array: { writer in
                for participant in details.participants { writer.object { $0.participantFields(participant) } }
            }
        )
        self.field("unread_messages", details.unreadMessages)
        self.field("created_at", event.createdAt)
        self.field("updated_at", event.updatedAt)
    }

    /// The members of S-Participant.
    mutating func participantFields(_ participant: Participant) {
        let isAccepted = participant.status == .accepted
        self.field("id", participant.userID.rawValue)
        self.field("user_id", participant.userID.rawValue)
        self.field("name", participant.name)
        self.field("display_name", ifPresent: participant.displayName)
        self.imageField("profile_image_url", participant.profileImageURL)
        self.field("confirmed", isAccepted)
        self.field("confirmed_at", ifPresent: isAccepted ? participant.respondedAt : nil)
        self.field("status", participant.status.rawValue)
        self.field("invited_by", ifPresent: participant.invitedBy?.rawValue)
        self.field("invited_at", ifPresent: participant.invitedAt)
        self.field("responded_at", ifPresent: participant.respondedAt)
        self.field("invite_method", ifPresent: participant.inviteMethod?.rawValue)
    }

    /// The members of S-History.
    mutating func historyFields(_ entry: HistoryEntry) {
        self.field("change_id", entry.changeID.rawValue)
        self.field("event_id", entry.eventID.rawValue)
        self.field(
            "actor",
            object: { writer in
                writer.field("id", entry.actorID.rawValue)
                writer.field("name", entry.actorName)
            }
        )
        self.field("change_type", entry.changeType.rawValue)
        self.field("field_name", entry.fieldName)
        self.field("old_value", entry.oldValue)
        self.field("new_value", entry.newValue)
        self.field("changed_at", entry.changedAt)
        self.field("metadata", entry.metadata)
    }
}
