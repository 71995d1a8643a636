package import TimingleNet

/// Writes what `AuthAudit` reports as log lines.
package struct LogAuthAudit: AuthAudit {
    private let log: Log

    package init(log: Log) { self.log = log.labelled("auth") }

    package func record(_ event: AuthAuditEvent) {
        let pairs: Log.Pairs = [
            "event": "\(event.kind.rawValue)",
            "user_id": "\(event.userID.map { "\($0)" } ?? "-")",
            "ip": "\(event.ipAddress ?? "-")",
        ]
        switch event.kind {
        case .refreshTokenReused, .compatSignInRefused: self.log.warning("auth", pairs)
        case .compatSignIn, .registered, .verified, .smsFailed: self.log.notice("auth", pairs)
        }
    }
}
