/// A code is on its way to a phone.
///
/// Immutable.
package struct PhoneVerification: Sendable, Equatable {
    package let verificationID: Identifier128
    package let expiresAt: Timestamp

    package init(verificationID: Identifier128, expiresAt: Timestamp) {
        self.verificationID = verificationID
        self.expiresAt = expiresAt
    }
}

/// What a new user says about himself; nothing of it changes an account that is there already.
package struct RegistrationProfile: Sendable, Equatable {
    package var name: String?
    /// IANA name.
    package var timezone: String?
    /// BCP 47 tag.
    package var language: String?

    package init(name: String? = nil, timezone: String? = nil, language: String? = nil) {
        self.name = name
        self.timezone = timezone
        self.language = language
    }
}
