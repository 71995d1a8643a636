/// A row of `events`: an appointment, and the one room that belongs to it.
package struct Event: Sendable, Equatable {
    package let id: EventID
    package var title: String
    package var description: String?
    package var location: String?
    package var startTime: Timestamp
    package var endTime: Timestamp
    package var status: EventStatus
    package let creatorID: UserID
    package let createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: EventID,
        title: String,
        description: String?,
        location: String?,
        startTime: Timestamp,
        endTime: Timestamp,
        status: EventStatus,
        creatorID: UserID,
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.title = title
        self.description = description
        self.location = location
        self.startTime = startTime
        self.endTime = endTime
        self.status = status
        self.creatorID = creatorID
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Answer of an invited person.
package enum ParticipantStatus: String, Sendable, CaseIterable, Codable {
    case pending = "PENDING"
    case accepted = "ACCEPTED"
    case declined = "DECLINED"
}

/// How a participant came in.
package enum InviteMethod: String, Sendable, CaseIterable, Codable {
    case creator = "CREATOR"
    case friend = "FRIEND"
    case link = "LINK"
    case qr = "QR"
    case slot = "SLOT"
}

/// A person as the members of an event see them: no phone, no e-mail.
package struct Participant: Sendable, Equatable {
    package let userID: UserID
    package var name: String
    package var displayName: String?
    package var profileImageURL: String?
    package var status: ParticipantStatus
    package var invitedBy: UserID?
    package var invitedAt: Timestamp?
    package var respondedAt: Timestamp?
    package var inviteMethod: InviteMethod?

    package init(
        userID: UserID,
        name: String,
        displayName: String? = nil,
        profileImageURL: String? = nil,
        status: ParticipantStatus,
        invitedBy: UserID? = nil,
        invitedAt: Timestamp? = nil,
        respondedAt: Timestamp? = nil,
        inviteMethod: InviteMethod? = nil
    ) {
        self.userID = userID
        self.name = name
        self.displayName = displayName
        self.profileImageURL = profileImageURL
        self.status = status
        self.invitedBy = invitedBy
        self.invitedAt = invitedAt
        self.respondedAt = respondedAt
        self.inviteMethod = inviteMethod
    }
}

/// An event as one member sees it.
package struct EventDetails: Sendable, Equatable {
    package var event: Event
    /// The creator as a person; status is always accepted.
    package var creator: Participant
    /// Everybody invited except the creator; who declined is left out.
    package var participants: [Participant]
    /// Messages by others after the caller's read mark.
    package var unreadMessages: Int64

    package init(event: Event, creator: Participant, participants: [Participant], unreadMessages: Int64) {
        self.event = event
        self.creator = creator
        self.participants = participants
        self.unreadMessages = unreadMessages
    }
}

/// What a user is to an event.
package enum Membership: Sendable, Equatable {
    case creator
    case participant(ParticipantStatus)
    case stranger

    /// Creators and participants who have not declined may read and write.
    package var isMember: Bool {
        switch self {
        case .creator, .participant(.pending), .participant(.accepted): true
        case .participant(.declined), .stranger: false
        }
    }
}

/// What the chat must know of an event before it lets somebody in.
package struct EventAccess: Sendable, Equatable {
    package let status: EventStatus
    package let membership: Membership

    package init(status: EventStatus, membership: Membership) {
        self.status = status
        self.membership = membership
    }
}
