/// What a user may do.
///
/// Immutable.
package enum UserRole: String, Sendable, CaseIterable {
    case user = "USER"
    case business = "BUSINESS"
    case admin = "ADMIN"
    case superAdmin = "SUPER_ADMIN"
}

/// Whether an account lives.
package enum UserStatus: String, Sendable, CaseIterable {
    case active = "ACTIVE"
    case suspended = "SUSPENDED"
    case deleted = "DELETED"
}

/// A row of `users`.
///
/// Immutable.
package struct User: Sendable, Equatable {
    package let id: UserID
    /// E.164, or `oauth_…` for accounts without a phone.
    package var phone: String
    package var name: String?
    package var displayName: String?
    package var email: String?
    package var profileImageURL: String?
    package var region: String?
    package var interests: [String]
    /// IANA name.
    package var timezone: String
    /// BCP 47 tag.
    package var language: String
    package var role: UserRole
    package var status: UserStatus
    /// When the phone number was last proven by a code; nil for accounts that never did.
    package var phoneVerifiedAt: Timestamp?
    package let createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: UserID,
        phone: String,
        name: String? = nil,
        displayName: String? = nil,
        email: String? = nil,
        profileImageURL: String? = nil,
        region: String? = nil,
        interests: [String] = [],
        timezone: String = "UTC",
        language: String = "ko",
        role: UserRole = .user,
        status: UserStatus = .active,
        phoneVerifiedAt: Timestamp? = nil,
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.phone = phone
        self.name = name
        self.displayName = displayName
        self.email = email
        self.profileImageURL = profileImageURL
        self.region = region
        self.interests = interests
        self.timezone = timezone
        self.language = language
        self.role = role
        self.status = status
        self.phoneVerifiedAt = phoneVerifiedAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// What other people read: the display name, else the name, else the empty text; never null.
    package var shownName: String { self.displayName ?? self.name ?? "" }
    package var spokenLanguage: Language { Language(tag: self.language) ?? .korean }
}

/// A change of some of a user's own fields.
///
/// The outer optional says whether the field is there, the inner one whether it is null (which clears it).
package struct UserPatch: Sendable, Equatable {
    package var name: String?
    package var displayName: String??
    package var email: String??
    package var profileImageURL: String??
    package var region: String??
    package var interests: [String]?
    package var timezone: String?
    package var language: String?

    package init() {}
}

/// Who asks, and from where: what becomes evidence with each change.
///
/// Immutable.
package struct Requester: Sendable, Equatable {
    package let userID: UserID
    package let name: String
    package let profileImageURL: String?
    package let role: UserRole
    package let language: Language
    package let ipAddress: String?
    package let userAgent: String?

    package init(
        userID: UserID,
        name: String,
        profileImageURL: String? = nil,
        role: UserRole = .user,
        language: Language = .korean,
        ipAddress: String? = nil,
        userAgent: String? = nil
    ) {
        self.userID = userID
        self.name = name
        self.profileImageURL = profileImageURL
        self.role = role
        self.language = language
        self.ipAddress = ipAddress
        self.userAgent = userAgent
    }
}
