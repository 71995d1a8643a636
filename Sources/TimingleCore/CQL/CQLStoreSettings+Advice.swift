internal import TimingleCQL

extension CQLStoreSettings {
    /// Which variables an operator should look at because of an error; nil where none of them can be wrong.
    @Sendable static func advice(_ error: CQLError) -> String? {
        switch error.code {
        case .authentication: "SCYLLA_USERNAME, SCYLLA_PASSWORD"
        case .unauthorized: "SCYLLA_USERNAME"
        case .tls: Self.advice(aboutTLS: error.underlying ?? "")
        case .notConnected where error.message.hasSuffix("before it answered"): "SCYLLA_TLS, SCYLLA_PORT"
        default: nil
        }
    }

    /// By OpenSSL's words.
    private static func advice(aboutTLS reason: String) -> String {
        if reason.contains("mismatch") { return "SCYLLA_TLS_NAME" }
        if reason.contains("not trusted") { return "SCYLLA_CA_FILE" }
        // What the node said of us.
        if reason.contains("alert") { return "SCYLLA_CERT_FILE, SCYLLA_KEY_FILE" }
        return "SCYLLA_TLS, SCYLLA_PORT"
    }
}

/// What the cluster would not do, and where to look.
///
/// Immutable.
struct CQLStoreTrouble: Error, CustomStringConvertible {
    let error: CQLError
    let advice: String

    var description: String { "\(self.error); see \(self.advice)" }
}
