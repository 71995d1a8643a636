import Foundation
import Glibc

/// A redis-server of a test's own, which it may pause, kill and start again on the same port.
package final class PrivateRedis: Sendable {
    package struct Failure: Error { package let reason: String }

    package let port: UInt16
    private let password: String?
    private let process = Locked<Process?>(nil)

    package static let executable = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    package static var isAvailable: Bool { executable != nil }

    package var url: String { "redis://\(self.password.map { ":\($0)@" } ?? "")127.0.0.1:\(self.port)/0" }

    private init(port: UInt16, password: String?) {
        self.port = port
        self.password = password
    }

    /// Runs `body` with a server and ends the server whatever happens.
    package static func with<Result>(
        password: String? = nil,
        started: Bool = true,
        _ body: (PrivateRedis) async throws -> Result
    ) async throws -> Result {
        let server = PrivateRedis(port: try self.freePort(), password: password)
        if started { try await server.start() }
        defer { server.kill() }
        return try await body(server)
    }

    package func start() async throws {
        guard let executable = Self.executable else { throw Failure(reason: "redis-server is not installed") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        var arguments = ["--port", "\(self.port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if let password = self.password { arguments += ["--requirepass", password] }
        process.arguments = arguments
        process.currentDirectoryURL = FileManager.default.temporaryDirectory
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process.withLock { $0 = process }
        for _ in 0..<500 {
            if Self.accepts(self.port) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(reason: "redis-server does not listen")
    }

    /// SIGKILL, and waits for the end.
    package func kill() {
        let process = self.process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
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
