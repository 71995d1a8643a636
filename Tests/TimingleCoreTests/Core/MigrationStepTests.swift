import Testing

@testable import TimingleCore

struct MigrationStepTests {
    private static func file(_ version: Int64, _ script: String = "") throws -> MigrationFile {
        let name = "000\(version)_step.sql"
        return try MigrationFile(fileName: name, kind: .sql, contents: Array("\(version)\(script)".utf8))
    }

    private static func applied(_ file: MigrationFile) -> MigrationStep.Applied {
        MigrationStep.Applied(
            version: file.version,
            name: file.name,
            checksum: file.checksum,
            at: Timestamp(milliseconds: 1)
        )
    }

    private static func states(_ steps: [MigrationStep]) -> [MigrationStep.State] { steps.map(\.state) }

    @Test func filesAndWhatWasAppliedAreHeldSideBySide() throws {
        let files = try (1...3).map { try Self.file($0) }
        let first = MigrationStep.compare(files, [Self.applied(files[0])])
        #expect(Self.states(first) == [.applied, .pending, .pending])
        #expect(first.map(\.title) == ["0001_step", "0002_step", "0003_step"])
        try MigrationStep.check(first)
        try MigrationStep.check([])

        let changed = MigrationStep.compare([try Self.file(1, "!")], [Self.applied(files[0])])
        #expect(Self.states(changed) == [.changed])
        let missing = MigrationStep.compare([files[0]], [Self.applied(files[1]), Self.applied(files[0])])
        #expect(Self.states(missing) == [.applied, .missing])
        let skipped = MigrationStep.compare(files, [Self.applied(files[0]), Self.applied(files[2])])
        #expect(Self.states(skipped) == [.applied, .outOfOrder, .applied])
        let gap = MigrationStep.compare([files[0], files[2]], [])
        for steps in [changed, missing, skipped, gap] {
            #expect(throws: MigrationError.self) { try MigrationStep.check(steps) }
        }
    }
}
