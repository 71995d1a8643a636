internal import FoundationEssentials

/// One step of a schema: `0001_create_users.sql`, `0001_create_messages.cql`.
///
/// Immutable.
struct MigrationFile: Sendable, Equatable {
    /// Whose schema it is a step of; the ending of the file's name.
    enum Kind: String, Sendable {
        case sql
        case cql
    }

    let version: Int64
    /// What stands behind the number, without the ending.
    let name: String
    /// SHA-256 of the file in hexadecimal.
    let checksum: String
    let script: String

    /// The first line of a file that PostgreSQL refuses to run inside a transaction.
    private static let noTransactionLine = "-- timingle: no-transaction"

    /// False for files with CREATE INDEX CONCURRENTLY and the like.
    var isTransactional: Bool {
        let line = self.script.prefix { $0 != "\n" && $0 != "\r\n" }
        return line.drop { $0 == " " }.prefix(Self.noTransactionLine.count) != Self.noTransactionLine
    }

    init(fileName: String, kind: Kind, contents: [UInt8]) throws(MigrationError) {
        guard let (version, name) = Self.parse(fileName, kind) else {
            throw MigrationError("\(fileName) is not named NNNN_name.\(kind.rawValue)")
        }
        guard let script = String(validating: contents, as: UTF8.self) else {
            throw MigrationError("\(fileName) is not UTF-8")
        }
        self.version = version
        self.name = name
        self.script = script
        self.checksum = Digest.hexadecimal(Digest.sha256(contents))
    }

    /// All files of a kind in `directory`, in the order of their numbers.
    static func all(_ kind: Kind, in directory: String) throws(MigrationError) -> [MigrationFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw MigrationError("the directory \(directory) cannot be read")
        }
        var files: [MigrationFile] = []
        for name in names.sorted() where name.hasSuffix("." + kind.rawValue) {
            guard let contents = FileManager.default.contents(atPath: directory + "/" + name) else {
                throw MigrationError("\(name) cannot be read")
            }
            files.append(try MigrationFile(fileName: name, kind: kind, contents: [UInt8](contents)))
        }
        files.sort { $0.version < $1.version }
        for (first, second) in zip(files, files.dropFirst()) where first.version == second.version {
            throw MigrationError("two files have the number \(first.version)")
        }
        return files
    }

    private static func parse(_ fileName: String, _ kind: Kind) -> (version: Int64, name: String)? {
        guard fileName.hasSuffix("." + kind.rawValue) else { return nil }
        let parts = fileName.dropLast(4).split(separator: "_", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count == 4, !parts[1].isEmpty else { return nil }
        var version: Int64 = 0
        for byte in parts[0].utf8 {
            guard 0x30...0x39 ~= byte else { return nil }
            version = version * 10 + Int64(byte - 0x30)
        }
        let isPlain = parts[1].utf8.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == 0x5F }
        return version > 0 && isPlain ? (version, String(parts[1])) : nil
    }
}
