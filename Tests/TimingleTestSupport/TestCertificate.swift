import Foundation

/// A certificate for `localhost` and 127.0.0.1 that is made for this run, and signs itself.
///
/// Immutable.
package struct TestCertificate: Sendable {
    package let certificateFile: String
    package let keyFile: String

    /// What listeners under test show.
    package static let shared = TestCertificate(name: "shared")
    /// Another one, for the same names.
    package static let other = TestCertificate(name: "other")

    private static let directory: URL = {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("timingle-tls-\(ProcessInfo.processInfo.processIdentifier)")
        try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory
    }()

    /// Makes one with the `openssl` command; what it cannot make fails in whoever reads the files.
    package init(name: String, subject: String = "/CN=localhost", names: String = "DNS:localhost,IP:127.0.0.1") {
        self.certificateFile = Self.directory.appendingPathComponent("\(name).pem").path
        self.keyFile = Self.directory.appendingPathComponent("\(name).key").path
        Self.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            subject,
            "-addext",
            "subjectAltName=\(names)",
            "-keyout",
            self.keyFile,
            "-out",
            self.certificateFile
        )
    }

    /// Writes a file beside the certificates, and returns its path.
    package static func file(_ name: String, _ text: String) -> String {
        let url = Self.directory.appendingPathComponent(name)
        try? Data(text.utf8).write(to: url)
        return url.path
    }

    package static func openssl(_ arguments: String...) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try? process.run()
        process.waitUntilExit()
    }
}
