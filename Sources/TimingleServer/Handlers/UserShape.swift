internal import TimingleCore

extension JSONWriter {
    /// The members of S-User (`contract.md` 1.0) for the user's own eyes.
    mutating func ownUserFields(_ user: User) {
        self.field("id", user.id.rawValue)
        // Accounts without a phone have a synthetic value that is nobody's business.
        self.field("phone", user.phone.hasPrefix("oauth_") ? "" : user.phone)
        self.field("name", user.name ?? user.displayName ?? "")
        self.field("email", ifPresent: user.email)
        self.field("display_name", ifPresent: user.displayName)
        self.imageField("profile_image_url", user.profileImageURL)
        self.field("region", ifPresent: user.region)
        self.field("interests", user.interests)
        self.field("role", user.role.rawValue)
        self.field("is_active", user.status == .active)
        self.field("timezone", user.timezone)
        self.field("language", user.language)
        self.field("created_at", user.createdAt)
        self.field("updated_at", user.updatedAt)
    }

    /// What everybody may know of a user: no phone, no e-mail.
    mutating func publicUserFields(_ user: User) {
        self.field("id", user.id.rawValue)
        self.field("name", user.shownName)
        self.field("display_name", ifPresent: user.displayName)
        self.imageField("profile_image_url", user.profileImageURL)
        self.field("region", ifPresent: user.region)
        self.field("role", user.role.rawValue)
    }

    /// The members of S-Auth: the user both flat and nested, since clients read either.
    mutating func authFields(_ result: AuthResult) {
        self.ownUserFields(result.user)
        self.field("access_token", result.tokens.accessToken)
        self.field("refresh_token", result.tokens.refreshToken)
        self.field("token_type", "Bearer")
        self.field("expires_in", result.tokens.expiresInSeconds)
        self.field("is_new_user", result.isNewUser)
        self.field("user", object: { $0.ownUserFields(result.user) })
    }

    /// Left out when empty: the app tests for null only and would load an image from "".
    mutating func imageField(_ name: String, _ url: String?) {
        guard let url, !url.isEmpty else { return }
        self.field(name, url)
    }
}
