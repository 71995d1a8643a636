/// Everything that a decision about an event needs to know, read under the event's lock.
///
/// Immutable.
package struct EventSnapshot: Sendable, Equatable {
    package var event: Event
    package var creator: Participant
    /// Everybody invited, who declined included; the creator is not among them.
    package var participants: [Participant]

    package init(event: Event, creator: Participant, participants: [Participant]) {
        self.event = event
        self.creator = creator
        self.participants = participants
    }

    package func membership(of user: UserID) -> Membership {
        if user == self.event.creatorID { return .creator }
        guard let participant = self.participant(user) else { return .stranger }
        return .participant(participant.status)
    }

    package func participant(_ user: UserID) -> Participant? {
        self.participants.first { $0.userID == user }
    }

    /// What the members see after the decision took effect.
    package func applying(_ decision: EventDecision) -> EventSnapshot {
        var next = self
        if let event = decision.event { next.event = event }
        for change in decision.participants {
            switch change {
            case .set(let participant):
                if let index = next.participants.firstIndex(where: { $0.userID == participant.userID }) {
                    next.participants[index] = participant
                } else {
                    next.participants.append(participant)
                }
            case .remove(let user):
                next.participants.removeAll { $0.userID == user }
            }
        }
        return next
    }

    /// The event as the members see it: who declined is left out.
    package func details(unreadMessages: Int64) -> EventDetails {
        EventDetails(
            event: self.event,
            creator: self.creator,
            participants: self.participants.filter { $0.status != .declined },
            unreadMessages: unreadMessages
        )
    }
}

/// What is to be written of an event, all of it or nothing.
package struct EventDecision: Sendable, Equatable {
    /// The row after the change; nil leaves it as it is.
    package var event: Event?
    package var participants: [ParticipantChange]
    /// The evidence, one per operation, in order; nothing is written without it.
    package var changes: [EventChange]

    package init(event: Event? = nil, participants: [ParticipantChange] = [], changes: [EventChange] = []) {
        self.event = event
        self.participants = participants
        self.changes = changes
    }
}

/// A write to one row of `event_participants`.
package enum ParticipantChange: Sendable, Equatable {
    /// Inserts the row or puts it in the place of the one that is there.
    case set(Participant)
    case remove(UserID)
}

/// An event as one user sees it, and what he is to it.
package struct EventView: Sendable, Equatable {
    package var details: EventDetails
    package var membership: Membership

    package init(details: EventDetails, membership: Membership) {
        self.details = details
        self.membership = membership
    }
}

/// What came of an attempt to change an event.
package enum EventChangeOutcome: Sendable, Equatable {
    /// Committed, with at least one outbox row.
    case changed(EventDetails)
    /// Everything was so already; nothing was written.
    case unchanged(EventDetails)
    case refused(ServiceError)
    case noSuchEvent
}
