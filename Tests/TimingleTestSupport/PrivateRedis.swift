import Foundation

/// A redis-server of a test's own, which it may pause, kill and start again on the same port.
package final class PrivateRedis: Sendable {
    private let server: ServerProcess
    private let password: String?

    package static let executable = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    package static var isAvailable: Bool { executable != nil }

    package var port: UInt16 { self.server.port }

    package var url: String { "redis://\(self.password.map { ":\($0)@" } ?? "")127.0.0.1:\(self.port)/0" }

    private init(password: String?) throws {
        self.server = try ServerProcess(executable: Self.executable, name: "redis-server")
        self.password = password
    }

    /// Runs `body` with a server and ends the server whatever happens.
    package static func with<Result>(
        password: String? = nil,
        started: Bool = true,
        _ body: (PrivateRedis) async throws -> Result
    ) async throws -> Result {
        let server = try PrivateRedis(password: password)
        defer { server.kill() }
        if started { try await server.start() }
        return try await body(server)
    }

    package func start() async throws {
        var arguments = ["--port", "\(self.port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if let password = self.password { arguments += ["--requirepass", password] }
        try await self.server.start(arguments)
    }

    /// SIGKILL, and waits for the end.
    package func kill() { self.server.kill() }

    /// The kernel goes on acknowledging, nobody answers.
    package func pause() { self.server.pause() }

    package func resume() { self.server.resume() }
}
