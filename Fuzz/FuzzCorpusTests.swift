import Foundation
import Testing
import TimingleTestSupport

/// Repeats the kept inputs of the fuzz targets: seeds, and whatever once broke a claim.
struct FuzzCorpusTests {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Corpus")

    private static func inputs(_ name: String) throws -> [(file: String, bytes: [UInt8])] {
        let folder = Self.corpus.appendingPathComponent(name)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
            (file, Array(try Data(contentsOf: folder.appendingPathComponent(file))))
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func keptInputsBreakNoClaim(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let inputs = try Self.inputs(name)
        #expect(!inputs.isEmpty, "no seed for \(name)")
        for (file, bytes) in inputs {
            guard let input = FuzzInput(bytes) else { continue }
            #expect(throws: Never.self, "\(name)/\(file)") { try target.check(input) }
        }
    }

    /// A little fuzzing in every test run: seeds with some bytes changed.
    @Test(arguments: FuzzTarget.all.map(\.name))
    func changedInputsBreakNoClaim(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        var generator = SeededGenerator(seed: 0x5eed)
        for (file, bytes) in try Self.inputs(name) where bytes.count > 1 {
            for round in 0..<40 {
                var changed = bytes
                for _ in 0...(round % 4) {
                    let place = Int.random(in: 0..<changed.count, using: &generator)
                    switch round % 3 {
                    case 0: changed[place] = UInt8.random(in: 0...255, using: &generator)
                    case 1: changed[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                    default: changed.insert(changed.randomElement(using: &generator) ?? 0, at: place)
                    }
                }
                guard let input = FuzzInput(changed) else { continue }
                #expect(throws: Never.self, "\(name)/\(file), round \(round): \(changed)") { try target.check(input) }
            }
        }
    }

    /// Claims that cannot fail prove nothing.
    @Test func aBrokenClaimIsReported() {
        #expect(throws: FuzzFinding.self) { try FuzzFinding.unless(false, "never") }
    }
}
