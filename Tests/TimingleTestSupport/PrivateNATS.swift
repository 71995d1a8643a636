import Foundation
import Glibc

/// A nats-server with JetStream of a test's own, which it may kill and start again on the same port and data.
///
/// Any thread. Unless told otherwise it acknowledges only what is on the disk.
package final class PrivateNATS: Sendable {
    package let monitorPort: UInt16
    private let server: ServerProcess
    private let syncsAlways: Bool
    private let directory: URL

    package static let executable: String? = {
        let named = getenv("TIMINGLE_TEST_NATS_SERVER").map { String(cString: $0) }
        // Not the distribution's: Debian 12 has 2.9, which knows no `sync_interval`.
        let places = [packageRoot() + "/.timingle/venv/bin/nats-server", "/usr/local/bin/nats-server"]
        return ([named].compactMap { $0 } + places).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// True also when it is missing and required: then the suites fail instead of being left out.
    package static var isAvailable: Bool { executable != nil || TestServices.areRequired }

    package var port: UInt16 { self.server.port }

    package var url: String { "nats://127.0.0.1:\(self.port)" }

    package var monitorURL: String { "http://127.0.0.1:\(self.monitorPort)" }

    private init(directory: URL, syncsAlways: Bool) throws {
        self.server = try ServerProcess(executable: Self.executable, name: "nats-server")
        self.monitorPort = try LoopbackPort.take()
        self.syncsAlways = syncsAlways
        self.directory = directory
    }

    /// Runs `body` with a server and ends the server whatever happens.
    package static func with<Result>(
        started: Bool = true,
        syncsAlways: Bool = true,
        _ body: (PrivateNATS) async throws -> Result
    ) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("timingle-nats-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try PrivateNATS(directory: directory, syncsAlways: syncsAlways)
        defer { server.kill() }
        if started { try await server.start() }
        return try await body(server)
    }

    package func start() async throws {
        let configuration = self.directory.appendingPathComponent("nats.conf")
        try """
        host: 127.0.0.1
        port: \(self.port)
        http: "127.0.0.1:\(self.monitorPort)"
        jetstream {
          store_dir: "\(self.directory.path)/data"
          sync_interval: \(self.syncsAlways ? "always" : "1m")
          max_mem: 64MB
          max_file: 1GB
        }
        """.write(to: configuration, atomically: true, encoding: .utf8)
        try await self.server.start(["-c", configuration.path])
    }

    /// SIGKILL, and waits for the end.
    package func kill() { self.server.kill() }

    /// Loses everything the server kept; only while it is down.
    package func eraseStore() throws {
        try FileManager.default.removeItem(at: self.directory.appendingPathComponent("data"))
    }

    /// The kernel goes on acknowledging, nobody answers.
    package func pause() { self.server.pause() }

    package func resume() { self.server.resume() }
}
