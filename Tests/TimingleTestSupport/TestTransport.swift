import Foundation
package import TimingleNet

/// What lies between the listeners and the clients of tests: nothing, or TLS.
///
/// Suites that use `RawClient` and `overTestTransport` run over both: `TIMINGLE_TEST_TRANSPORT=tls` says which.
package enum TestTransport: String, Sendable {
    case plain
    case tls

    package static let current: TestTransport = {
        let name = ProcessInfo.processInfo.environment["TIMINGLE_TEST_TRANSPORT"] ?? ""
        return TestTransport(rawValue: name) ?? .plain
    }()

    /// Made once: a context is made to be shared.
    package static let serverContext = Result {
        try TLSContext(
            server: TLSServerSettings(
                certificateFile: TestCertificate.shared.certificateFile,
                keyFile: TestCertificate.shared.keyFile
            )
        )
    }

    package static let clientContext = Result {
        try TLSContext(client: TLSClientSettings(trust: .file(TestCertificate.shared.certificateFile)))
    }
}

extension HTTPServerConfiguration {
    /// Puts the listener on the transport of this run.
    package mutating func useTestTransport() throws {
        if TestTransport.current == .tls { self.tls = try TestTransport.serverContext.get() }
    }
}
