/// Something about an account that an operator must be able to find later.
///
/// Immutable.
package struct AuthAuditEvent: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// A phone number was proven by a code.
        case verified = "auth.verified"
        case registered = "auth.registered"
        /// Somebody signed in by knowing a phone number (compat mode).
        case compatSignIn = "auth.compat_sign_in"
        case compatSignInRefused = "auth.compat_sign_in_refused"
        /// A retired refresh token came back: its family was revoked.
        case refreshTokenReused = "auth.refresh_token_reused"
        case smsFailed = "auth.sms_failed"
    }

    package let kind: Kind
    package let userID: UserID?
    package let ipAddress: String?

    package init(_ kind: Kind, userID: UserID? = nil, ipAddress: String? = nil) {
        self.kind = kind
        self.userID = userID
        self.ipAddress = ipAddress
    }
}

/// Takes audit events; does not wait.
package protocol AuthAudit: Sendable {
    func record(_ event: AuthAuditEvent)
}
