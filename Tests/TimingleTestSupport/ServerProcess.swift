internal import Foundation
internal import Glibc

/// A server of a test's own that listens on one port of 127.0.0.1; the test may pause, kill and start it again.
///
/// Any thread.
final class ServerProcess: Sendable {
    /// Why a server does not serve, with the end of what it said.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let port: UInt16
    private let executable: String
    private let log: String
    private let process = Locked<Process?>(nil)

    init(executable: String?, name: String) throws {
        guard let executable else { throw Failure(description: "\(name) is not installed") }
        self.executable = executable
        self.port = try LoopbackPort.take()
        self.log =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("timingle-\(name)-\(self.port)-\(getpid()).log").path
    }

    deinit { try? FileManager.default.removeItem(atPath: self.log) }

    /// Starts it and waits until it listens; throws at once when it ends before, and after a minute.
    func start(_ arguments: [String]) async throws {
        let log = URL(fileURLWithPath: self.log)
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: self.executable)
        process.arguments = arguments
        process.currentDirectoryURL = FileManager.default.temporaryDirectory
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try output.close()
        self.process.withLock { $0 = process }
        for _ in 0..<6_000 {
            if LoopbackPort.accepts(self.port) { return }
            guard process.isRunning else { throw self.failure("ended while it started") }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw self.failure("does not listen after a minute")
    }

    /// SIGKILL, and waits for the end.
    func kill() {
        let process = self.process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The kernel goes on acknowledging, nobody answers.
    func pause() {
        if let process = self.process.withLock({ $0 }) { stopAndWait(process.processIdentifier) }
    }

    func resume() {
        if let process = self.process.withLock({ $0 }) { Glibc.kill(process.processIdentifier, SIGCONT) }
    }

    private func failure(_ what: String) -> Failure {
        let said = FileManager.default.contents(atPath: self.log).map {
            String(decoding: $0.suffix(2_000), as: UTF8.self)
        }
        return Failure(description: "\(self.executable) on port \(self.port) \(what): \(said ?? "")")
    }
}
