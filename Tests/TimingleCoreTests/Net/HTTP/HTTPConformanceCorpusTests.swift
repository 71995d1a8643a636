import Foundation
import Testing

/// The conformance cases as files: what the fuzz targets of the HTTP parser start from.
///
/// After a change of the tables, `TIMINGLE_WRITE_CORPUS=1` with this suite writes them anew.
struct HTTPConformanceCorpusTests {
    private static let folder = TidyTests.root.appendingPathComponent("Fuzz/Corpus/http")

    @Test func theCorpusHoldsTheTables() throws {
        let tests = HTTPConformanceTables.all
        if ProcessInfo.processInfo.environment["TIMINGLE_WRITE_CORPUS"] != nil { try Self.write(tests) }
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(tests.map(\.name)))
        for test in tests {
            let bytes = try? Data(contentsOf: Self.folder.appendingPathComponent(test.name))
            #expect(bytes.map { [UInt8]($0) } == test.wire, "\(test.name)")
        }
    }

    private static func write(_ tests: [HTTPConformanceCase]) throws {
        try? FileManager.default.removeItem(at: self.folder)
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        for test in tests { try Data(test.wire).write(to: self.folder.appendingPathComponent(test.name)) }
    }
}
