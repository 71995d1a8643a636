/// The versions that may be the least; older ones are gone (RFC 8996).
package enum TLSVersion: Sendable, Equatable {
    case tls12
    case tls13
}

/// What a server shows: certificate chain and key, both PEM files, the leaf first.
///
/// A value.
package struct TLSServerSettings: Sendable, Equatable {
    package var certificateFile: String
    package var keyFile: String
    package var minimumVersion: TLSVersion

    package init(certificateFile: String, keyFile: String, minimumVersion: TLSVersion = .tls12) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.minimumVersion = minimumVersion
    }
}

/// Whom a client believes, and what it shows of itself.
///
/// A value.
package struct TLSClientSettings: Sendable, Equatable {
    /// Which signatures count.
    package enum Trust: Sendable, Equatable {
        /// Those of the authorities in a PEM file.
        case file(String)
        /// Those of the system's authorities.
        case system
        /// Any: for a probe of our own listener, never for data.
        case anybody
    }

    package var trust: Trust
    /// For servers that want to know who we are.
    package var certificateFile: String?
    package var keyFile: String?
    package var minimumVersion: TLSVersion
    /// Offered by ALPN; none is offered when empty.
    package var applicationProtocols: [String]

    package init(
        trust: Trust,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        minimumVersion: TLSVersion = .tls12,
        applicationProtocols: [String] = []
    ) {
        self.trust = trust
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.minimumVersion = minimumVersion
        self.applicationProtocols = applicationProtocols
    }
}
