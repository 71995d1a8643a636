import Foundation
import Testing

/// The house rules that a machine can hold: who may import whom, what may not be written, how big a file may be.
///
/// CONTRIBUTING.md gives the rules and their reasons.
struct TidyTests {
    /// One Swift file of `Sources`.
    struct SourceFile: Sendable, CustomTestStringConvertible {
        /// Relative to `Sources`, such as `TimingleNet/Loop/EventLoop.swift`.
        let path: String
        let lines: [String]

        var testDescription: String { self.path }
        var name: String { String(self.path.split(separator: "/").last ?? "") }
        var module: String { String(self.path.split(separator: "/").first ?? "") }
        var folder: String { self.path.split(separator: "/").dropLast().joined(separator: "/") }

        /// Modules named on import lines, `struct Foundation.Date` forms included.
        var imports: [String] {
            self.lines.compactMap { line in
                var words = line.split(separator: " ").map(String.init)
                guard let place = words.firstIndex(of: "import") else { return nil }
                guard words[..<place].allSatisfy({ Self.beforeImport.contains($0) || $0.hasPrefix("@") }) else {
                    return nil
                }
                words.removeFirst(place + 1)
                if let kind = words.first, ["struct", "class", "enum", "func", "protocol"].contains(kind) {
                    words.removeFirst()
                }
                return words.first.map { String($0.split(separator: ".").first ?? "") }
            }
        }

        /// Lines without comments and without the insides of string literals on one line.
        var code: [(number: Int, text: String)] {
            self.lines.enumerated().compactMap { index, line in
                let trimmed = line.trimmingCharacters(in: .whitespaces)
                guard !trimmed.hasPrefix("//") else { return nil }
                return (index + 1, line)
            }
        }

        private static let beforeImport: Set<String> = ["internal", "package", "public", "private", "fileprivate"]
    }

    static let root: URL = {
        var url = URL(fileURLWithPath: #filePath)
        while url.path != "/" {
            url.deleteLastPathComponent()
            if FileManager.default.fileExists(atPath: url.appendingPathComponent("Package.swift").path) { break }
        }
        return url
    }()

    static let sources: [SourceFile] = {
        let base = root.appendingPathComponent("Sources")
        guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let text = try? String(contentsOf: base.appendingPathComponent(path), encoding: .utf8) else {
                return nil
            }
            return SourceFile(path: path, lines: text.components(separatedBy: "\n"))
        }
    }()

    @Test func theTreeIsFound() {
        #expect(Self.sources.count > 30)
    }

    // MARK: Who may know whom

    @Test func modulesPointDownOnly() {
        let allowed: [String: Set<String>] = [
            "TimingleNet": [],
            "TimingleCQL": ["TimingleNet"],
            "TimingleCore": ["TimingleNet", "TimingleCQL"],
            "TimingleServer": ["TimingleNet", "TimingleCore"],
        ]
        for file in Self.sources {
            for module in file.imports where module.hasPrefix("Timingle") {
                #expect(allowed[file.module]?.contains(module) == true, "\(file.path) imports \(module)")
            }
        }
    }

    @Test(arguments: [
        ("CPostgres", ["TimingleCore/Postgres"]),
        ("CHiredis", ["TimingleCore/Redis"]),
        ("CNats", ["TimingleCore/NATS"]),
        ("COpenSSL", ["TimingleCore/Security", "TimingleNet/TLS", "TimingleNet/WebSocket"]),
        ("CZlib", ["TimingleNet/Compression"]),
        ("CLinux", ["TimingleNet/System"]),
    ])
    func aCLibraryIsImportedInItsOwnFolder(library: String, folders: [String]) {
        for file in Self.sources where file.imports.contains(library) {
            #expect(folders.contains(file.folder), "\(file.path) imports \(library)")
        }
    }

    @Test func timeZonesAreComputedInOnePlace() {
        for file in Self.sources where file.imports.contains("FoundationInternationalization") {
            #expect(file.path == "TimingleCore/Models/LocalPeriod.swift", "\(file.path)")
        }
    }

    @Test func servicesKnowModelsAndPortsOnly() {
        let folders: Set<String> = ["TimingleCore/Services", "TimingleCore/Models", "TimingleCore/Ports"]
        let banned: Set<String> = ["TimingleNet", "TimingleCQL", "Glibc", "Dispatch", "CLinux"]
        for file in Self.sources where folders.contains(file.folder) {
            for module in file.imports {
                #expect(!banned.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    /// Each folder of TimingleCQL knows those before it.
    private static let foldersOfCQL = [
        "Frame", "Values", "Responses", "Requests", "Connection", "Cluster", "Client",
    ].map { "TimingleCQL/\($0)" }

    /// Folders of one module, of which the second uses the first.
    private static let foldersAndUsers: [(folder: String, user: String)] =
        [
            ("TimingleCore/Services", "TimingleCore/Hub"), ("TimingleNet/HTTP", "TimingleNet/WebSocket"),
            ("TimingleServer/Wiring", "TimingleServer/Commands"),
        ]
        + foldersOfCQL.indices.flatMap { place in
            foldersOfCQL[(place + 1)...].map { (foldersOfCQL[place], $0) }
        }

    @Test func everyFolderOfCQLHasItsPlace() {
        let folders = Set(Self.sources.filter { $0.module == "TimingleCQL" }.map(\.folder))
        #expect(folders == Set(Self.foldersOfCQL))
    }

    @Test(arguments: foldersAndUsers)
    func aFolderDoesNotKnowWhoUsesIt(folder: String, user: String) throws {
        let definition = /^(?:[a-z()@]+ )*(?:class|struct|enum|actor|protocol|typealias) ([A-Z]\w*)/
        let users = Self.sources.filter { $0.folder == user }
        let types = Set(users.flatMap { $0.lines.compactMap { $0.firstMatch(of: definition).map { String($0.1) } } })
        #expect(!types.isEmpty, "\(user) defines nothing")
        let files = Self.sources.filter { $0.folder == folder }
        #expect(!files.isEmpty, "\(folder) is not there")
        for file in files {
            for (number, text) in file.code {
                for word in text.matches(of: /\b[A-Z]\w*/) where types.contains(String(word.0)) {
                    Issue.record("\(file.path):\(number) names \(word.0) of \(user)")
                }
            }
        }
    }

    @Test func stateMachinesHaveNoHands() {
        let banned: Set<String> = ["Dispatch", "Synchronization", "Glibc", "Foundation"]
        for file in Self.sources where file.name.hasSuffix("StateMachine.swift") {
            for module in file.imports {
                #expect(!banned.contains(module) && !module.hasPrefix("C"), "\(file.path) imports \(module)")
            }
            for (number, text) in file.code {
                #expect(!text.contains(" async "), "\(file.path):\(number) suspends")
            }
        }
    }

    @Test func glibcStaysBelow() {
        let folders: Set<String> = [
            "TimingleNet/System", "TimingleNet/Loop", "TimingleNet/Connection", "TimingleNet/Listener",
            "TimingleCore/Postgres", "TimingleCore/Redis", "TimingleCore/NATS", "TimingleCore/Security",
            "TimingleServer", "TimingleServer/Process",
        ]
        for file in Self.sources where file.imports.contains("Glibc") {
            #expect(folders.contains(file.folder), "\(file.path) imports Glibc")
        }
    }

    @Test func onlyTheServiceLayerAndBelowIsFreeOfConcreteWiring() {
        // Handlers never reach past services: no driver, no repository.
        for file in Self.sources where file.folder == "TimingleServer/Handlers" {
            for (number, text) in file.code {
                for word in ["Repository", "PostgresClient", "RedisClient", "NATSConnection"] {
                    #expect(!text.contains(word), "\(file.path):\(number) names \(word)")
                }
            }
        }
    }

    // MARK: What may not be written

    @Test(arguments: ["print(", "try!", "fatalError(", "FIXME", "TODO", "XXX"])
    func bannedWordsAreAbsent(word: String) {
        // The command line speaks to a terminal; it is the one place that prints.
        for file in Self.sources {
            for (number, text) in file.code where text.contains(word) {
                // `sprint(`, `fingerprint(` and the like are other words.
                let isWord =
                    text.range(
                        of: "(^|[^A-Za-z0-9_.])\(NSRegularExpression.escapedPattern(for: word))",
                        options: .regularExpression
                    ) != nil
                #expect(!isWord, "\(file.path):\(number) contains \(word)")
            }
        }
    }

    @Test func everyUncheckedPromiseIsExplained() {
        for file in Self.sources {
            for (number, text) in file.code {
                guard text.contains("@unchecked Sendable") || text.contains("nonisolated(unsafe)") else { continue }
                let above = file.lines[max(0, number - 12)..<number]
                #expect(above.contains { $0.contains("// SAFETY:") }, "\(file.path):\(number) has no SAFETY line")
            }
        }
    }

    // MARK: Sizes and names

    @Test func filesStayReadable() {
        for file in Self.sources where file.lines.count > 400 {
            let reason = file.lines.prefix(12).contains { $0.contains("Over 400 lines because") }
            #expect(reason, "\(file.path) has \(file.lines.count) lines and no reason at its top")
        }
    }

    @Test func linesStayShort() {
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() where line.count > 120 {
                Issue.record("\(file.path):\(index + 1) has \(line.count) characters")
            }
        }
    }

    @Test func fileNamesAreUniqueInsideAModule() {
        let names = Self.sources.map { "\($0.module)/\($0.name)" }
        #expect(Set(names).count == names.count)
    }

    @Test func namesSayWhatThingsAre() {
        for file in Self.sources {
            let stem = file.name.replacingOccurrences(of: ".swift", with: "")
            for suffix in ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Impl"] {
                #expect(!stem.hasSuffix(suffix), "\(file.path) is called a \(suffix)")
            }
        }
    }
}
