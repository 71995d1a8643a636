internal import Foundation

/// A directory for the length of one test.
package struct TemporaryDirectory: Sendable {
    package let path: String

    package static func with<Result>(_ body: (TemporaryDirectory) async throws -> Result) async throws -> Result {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("timingle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(TemporaryDirectory(path: url.path))
    }

    package subscript(name: String) -> String { "\(self.path)/\(name)" }

    /// Writes a file, and the directories on the way to it; `modified` is its time, in seconds since 1970.
    package func write(_ name: String, _ contents: [UInt8], modified: Double? = nil) throws {
        let url = URL(fileURLWithPath: self[name])
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        // In place: a file that is there keeps its inode.
        if let file = FileHandle(forWritingAtPath: url.path) {
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data(contents))
            try file.close()
        } else {
            try Data(contents).write(to: url)
        }
        guard let modified else { return }
        let date = Date(timeIntervalSince1970: modified)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: url.path)
    }

    package func write(_ name: String, _ text: String, modified: Double? = nil) throws {
        try self.write(name, Array(text.utf8), modified: modified)
    }

    package func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: self[name], withDestinationPath: target)
    }

    /// Puts a new file in the place of another.
    package func replace(_ name: String, by contents: [UInt8]) throws {
        try self.write(name + ".new", contents)
        guard rename(self[name + ".new"], self[name]) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    package func truncate(_ name: String, to count: UInt64) throws {
        guard let file = FileHandle(forWritingAtPath: self[name]) else { throw CocoaError(.fileNoSuchFile) }
        try file.truncate(atOffset: count)
        try file.close()
    }
}
