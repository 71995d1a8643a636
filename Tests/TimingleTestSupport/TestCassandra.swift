import Foundation
import Glibc

/// The nodes that tests of the CQL client may talk to, and those that they may kill.
///
/// Any thread.
package enum TestCassandra {
    package struct Failure: Error { package let reason: String }

    /// `host:port` of one node.
    package static let address = value("TIMINGLE_TEST_CQL")
    /// The folder in which the launcher keeps three nodes that tests may kill.
    package static let clusterFolder = value("TIMINGLE_TEST_CQL_CLUSTER")
    private static let launcher = value("TIMINGLE_CASSANDRA")

    package static var hasNode: Bool { address != nil }
    package static var hasCluster: Bool { clusterFolder != nil && launcher != nil }

    /// `host:port` of each node of the cluster.
    package static func clusterAddresses() async throws -> [String] {
        struct Status: Decodable {
            let hosts: [String]
            let port: Int
        }
        // A node that is down makes the command fail; what it prints is the same.
        let output = try await command(["status"], mayFail: true)
        let status = try JSONDecoder().decode(Status.self, from: output)
        return status.hosts.map { "\($0):\(status.port)" }
    }

    /// `kill`, `pause`, `resume` or `revive` a node, counted from 1.
    package static func tell(_ verb: String, node: Int) async throws {
        guard let folder = clusterFolder else { throw Failure(reason: "there is no cluster") }
        // On a machine with much else to do a node takes minutes; the launcher gives it up after two.
        let patience = verb == "revive" ? ["--wait", "600"] : []
        _ = try await command([verb, folder, "\(node)"] + patience, appendsFolder: false)
    }

    private static func command(
        _ arguments: [String],
        appendsFolder: Bool = true,
        mayFail: Bool = false
    ) async throws -> Data {
        guard let folder = clusterFolder, let launcher else { throw Failure(reason: "there is no cluster") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: launcher)
        process.arguments = appendsFolder ? arguments + [folder] : arguments
        // A file, not a pipe: nodes that are revived would inherit the pipe and keep it open.
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("timingle-cassandra-\(UInt64.random(in: 0 ... .max))")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardOutput = try FileHandle(forWritingTo: file)
        process.standardError = FileHandle.standardError
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard mayFail || process.terminationStatus == 0 else {
            throw Failure(reason: "\(arguments) ended with \(process.terminationStatus)")
        }
        return try Data(contentsOf: file)
    }

    private static func value(_ name: String) -> String? {
        guard let pointer = getenv(name) else { return nil }
        let text = String(cString: pointer)
        return text.isEmpty ? nil : text
    }
}
