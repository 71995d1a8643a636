import Foundation
import Glibc

/// A nats-server with JetStream of a test's own, which it may kill and start again on the same port and data.
///
/// Any thread. Unless told otherwise it acknowledges only what is on the disk.
package final class PrivateNATS: Sendable {
    package struct Failure: Error { package let reason: String }

    package let port: UInt16
    package let monitorPort: UInt16
    private let syncsAlways: Bool
    private let directory: URL
    private let process = Locked<Process?>(nil)

    package static let executable: String? = {
        let named = getenv("TIMINGLE_TEST_NATS_SERVER").map { String(cString: $0) }
        // Not the distribution's: Debian 12 has 2.9, which knows no `sync_interval`.
        let places = [packageRoot() + "/.timingle/venv/bin/nats-server", "/usr/local/bin/nats-server"]
        return ([named].compactMap { $0 } + places).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// True also when it is missing and required: then the suites fail instead of being left out.
    package static var isAvailable: Bool { executable != nil || TestServices.areRequired }

    package var url: String { "nats://127.0.0.1:\(self.port)" }

    package var monitorURL: String { "http://127.0.0.1:\(self.monitorPort)" }

    private init(ports: (UInt16, UInt16), directory: URL, syncsAlways: Bool) {
        (self.port, self.monitorPort) = ports
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
        let ports = (try self.freePort(), try self.freePort())
        let server = PrivateNATS(ports: ports, directory: directory, syncsAlways: syncsAlways)
        defer {
            server.kill()
            try? FileManager.default.removeItem(at: directory)
        }
        if started { try await server.start() }
        return try await body(server)
    }

    package func start() async throws {
        guard let executable = Self.executable else { throw Failure(reason: "nats-server is not installed") }
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = ["-c", configuration.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process.withLock { $0 = process }
        for _ in 0..<1_000 {
            if Self.accepts(self.port) { return }
            guard process.isRunning else { throw Failure(reason: "nats-server ended at once") }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(reason: "nats-server does not listen")
    }

    /// SIGKILL, and waits for the end.
    package func kill() {
        let process = self.process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGCONT)
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Loses everything the server kept; only while it is down.
    package func eraseStore() throws {
        try FileManager.default.removeItem(at: self.directory.appendingPathComponent("data"))
    }

    /// The kernel goes on acknowledging, nobody answers.
    package func pause() {
        if let process = self.process.withLock({ $0 }) { stopAndWait(process.processIdentifier) }
    }

    package func resume() {
        if let process = self.process.withLock({ $0 }) { Glibc.kill(process.processIdentifier, SIGCONT) }
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        let fd = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var address = self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(fd, raw, length) == 0 ? getsockname(fd, raw, &length) : -1
            }
        }
        guard result == 0 else { throw Failure(reason: "no free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func accepts(_ port: UInt16) -> Bool {
        let fd = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var address = self.loopback(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                connect(fd, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
