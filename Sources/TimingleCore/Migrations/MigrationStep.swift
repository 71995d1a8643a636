/// One file or one applied step of a schema, and how the two agree.
///
/// Immutable.
package struct MigrationStep: Sendable, Equatable {
    package enum State: String, Sendable {
        case applied
        case pending
        /// Applied, but the file is another one now.
        case changed
        /// Applied, but there is no file any more.
        case missing
        /// Not applied, though a later one is.
        case outOfOrder
    }

    /// What a database remembers of a file that it was given.
    struct Applied: Sendable {
        let version: Int64
        let name: String
        let checksum: String
        let at: Timestamp
    }

    package let version: Int64
    package let name: String
    package let state: State
    package let appliedAt: Timestamp?

    /// `0001_create_users`, as the file is called.
    package var title: String {
        let digits = String(self.version)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits + "_" + self.name
    }

    /// Files and what was applied (both in any order), in the order of their numbers.
    static func compare(_ files: [MigrationFile], _ applied: [Applied]) -> [MigrationStep] {
        let last = applied.map(\.version).max() ?? 0
        let byVersion = Dictionary(applied.map { ($0.version, $0) }) { first, _ in first }
        var steps = files.map { file in
            guard let known = byVersion[file.version] else {
                let state: State = file.version < last ? .outOfOrder : .pending
                return MigrationStep(version: file.version, name: file.name, state: state, appliedAt: nil)
            }
            let isSame = known.checksum == file.checksum && known.name == file.name
            return MigrationStep(
                version: file.version,
                name: file.name,
                state: isSame ? .applied : .changed,
                appliedAt: known.at
            )
        }
        let versions = Set(files.map(\.version))
        for known in applied where !versions.contains(known.version) {
            steps.append(MigrationStep(version: known.version, name: known.name, state: .missing, appliedAt: known.at))
        }
        return steps.sorted { $0.version < $1.version }
    }

    /// Throws unless every applied step has its unchanged file, none was skipped, and the numbers have no gap.
    static func check(_ steps: [MigrationStep]) throws(MigrationError) {
        for (index, step) in steps.enumerated() {
            let name = "\(step.version)_\(step.name)"
            switch step.state {
            case .changed: throw MigrationError("\(name) was changed after it was applied")
            case .missing: throw MigrationError("\(name) was applied, but its file is missing")
            case .outOfOrder: throw MigrationError("\(name) is older than what was applied")
            case .applied, .pending: break
            }
            guard step.version == Int64(index + 1) else {
                throw MigrationError("the numbers have a gap before \(name)")
            }
        }
    }

    /// What is to be applied yet, once `check` has passed.
    static func pending(of steps: [MigrationStep]) throws(MigrationError) -> [MigrationStep] {
        try self.check(steps)
        return steps.filter { $0.state == .pending }
    }

    /// Applies what is pending of the files, one after the other in the order of their numbers, and stops at the first
    /// that fails; returns the steps that it applied.
    static func apply(
        _ files: [MigrationFile],
        behind applied: [Applied],
        _ apply: (MigrationFile) async throws -> Void
    ) async throws -> [MigrationStep] {
        let byVersion = Dictionary(files.map { ($0.version, $0) }) { first, _ in first }
        var done: [MigrationStep] = []
        for step in try self.pending(of: self.compare(files, applied)) {
            guard let file = byVersion[step.version] else { continue }
            try await apply(file)
            done.append(MigrationStep(version: step.version, name: step.name, state: .applied, appliedAt: nil))
        }
        return done
    }
}
