package import TimingleNet

/// Brings a database's schema forward, file by file, never back.
///
/// Any thread. One advisory lock is held from the first look to the last file, so that of several starting processes
/// one works and the others wait and then find nothing to do.
package struct PostgresMigrator: Sendable {
    /// One file or one applied step, and how the two agree.
    package struct Step: Sendable, Equatable {
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

        package let version: Int64
        package let name: String
        package let state: State
        package let appliedAt: Timestamp?
    }

    private struct Applied {
        let version: Int64
        let name: String
        let checksum: String
        let at: Timestamp
    }

    /// Names our lock among the database's advisory locks: "timingle" in ASCII.
    private static let lockKey: Int64 = 0x7469_6D69_6E67_6C65
    private static let lockWaitMax: Duration = .seconds(600)

    private let configuration: PostgresConfiguration
    private let directory: String
    private let group: EventLoopGroup
    private let log: Log

    package init(configuration: PostgresConfiguration, directory: String, group: EventLoopGroup, log: Log) {
        var configuration = configuration
        configuration.maxConnections = 1
        configuration.applicationName += " migrate"
        configuration.acquireTimeout = .seconds(10)
        // An index on a large table takes its time; waiting for a lock stops the service meanwhile and may not.
        configuration.statementTimeout = nil
        configuration.queryTimeout = .seconds(3_600)
        configuration.idleInTransactionTimeout = .seconds(300)
        self.configuration = configuration
        self.directory = directory
        self.group = group
        self.log = log.labelled("migrate")
    }

    /// Applies every pending file; returns the steps that it applied.
    @discardableResult
    package func up() async throws -> [Step] {
        let files = try PostgresMigrationFile.all(in: self.directory)
        return try await self.locked { session in
            try await self.createTable(session)
            let steps = Self.compare(files, try await self.applied(session))
            try Self.check(steps)
            var done: [Step] = []
            for file in files where steps.contains(where: { $0.version == file.version && $0.state == .pending }) {
                try await self.apply(file, session)
                done.append(Step(version: file.version, name: file.name, state: .applied, appliedAt: nil))
            }
            return done
        }
    }

    /// How files and database agree, in the order of their numbers.
    ///
    /// Changes nothing and takes no lock.
    package func status() async throws -> [Step] {
        let files = try PostgresMigrationFile.all(in: self.directory)
        return try await self.session { session in
            let row = try await session.query("SELECT to_regclass('schema_migrations') IS NOT NULL").first
            let exists = try row?.decode(at: 0, as: Bool.self) ?? false
            return Self.compare(files, exists ? try await self.applied(session) : [])
        }
    }

    /// Throws unless every applied step has its unchanged file and none was skipped; returns what is pending.
    @discardableResult
    package func verify() async throws -> [Step] {
        let steps = try await self.status()
        try Self.check(steps)
        return steps.filter { $0.state == .pending }
    }

    // MARK: Steps

    private func createTable(_ session: PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version bigint PRIMARY KEY,
                name text NOT NULL,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                duration_ms bigint NOT NULL
            )
            """
        )
    }

    private func applied(_ session: PostgresSession) async throws(PostgresError) -> [Applied] {
        let rows = try await session.query(
            "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version"
        )
        var applied: [Applied] = []
        for row in rows {
            applied.append(
                Applied(
                    version: try row.decode("version"),
                    name: try row.decode("name"),
                    checksum: try row.decode("checksum"),
                    at: try row.decode("applied_at")
                )
            )
        }
        return applied
    }

    private func apply(_ file: PostgresMigrationFile, _ session: PostgresSession) async throws(PostgresError) {
        let start = MonotonicInstant.now
        do throws(PostgresError) {
            if file.isTransactional {
                try await session.query("BEGIN")
                try await session.execute(script: file.script)
                guard await session.isInTransaction() else {
                    throw PostgresError(.migration, "the file ends its own transaction")
                }
                try await self.record(file, since: start, session)
                try await session.query("COMMIT")
            } else {
                for statement in PostgresScript.statements(of: file.script) {
                    try await session.execute(script: statement)
                }
                try await self.record(file, since: start, session)
            }
        } catch {
            self.log.error("migration failed", ["version": .number(file.version), "reason": .text(error.description)])
            let message = "\(file.version)_\(file.name): \(error.description)"
            throw PostgresError(error.isTransient ? error.code : .migration, message, sqlState: error.sqlState)
        }
        self.log.info("migration applied", ["version": .number(file.version), "name": .text(file.name)])
    }

    private func record(
        _ file: PostgresMigrationFile,
        since start: MonotonicInstant,
        _ session: PostgresSession
    ) async throws(PostgresError) {
        let (seconds, attoseconds) = (MonotonicInstant.now - start).components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        try await session.query(
            """
            INSERT INTO schema_migrations (version, name, checksum, duration_ms)
            VALUES (\(file.version), \(file.name), \(file.checksum), \(milliseconds))
            """
        )
    }

    // MARK: Comparison

    private static func compare(_ files: [PostgresMigrationFile], _ applied: [Applied]) -> [Step] {
        let last = applied.last?.version ?? 0
        let byVersion = Dictionary(uniqueKeysWithValues: applied.map { ($0.version, $0) })
        var steps = files.map { file in
            guard let known = byVersion[file.version] else {
                let state: Step.State = file.version < last ? .outOfOrder : .pending
                return Step(version: file.version, name: file.name, state: state, appliedAt: nil)
            }
            let isSame = known.checksum == file.checksum && known.name == file.name
            return Step(
                version: file.version,
                name: file.name,
                state: isSame ? .applied : .changed,
                appliedAt: known.at
            )
        }
        let versions = Set(files.map(\.version))
        for known in applied where !versions.contains(known.version) {
            steps.append(Step(version: known.version, name: known.name, state: .missing, appliedAt: known.at))
        }
        return steps.sorted { $0.version < $1.version }
    }

    private static func check(_ steps: [Step]) throws(PostgresError) {
        for (index, step) in steps.enumerated() {
            let name = "\(step.version)_\(step.name)"
            switch step.state {
            case .changed: throw PostgresError(.migration, "\(name) was changed after it was applied")
            case .missing: throw PostgresError(.migration, "\(name) was applied, but its file is missing")
            case .outOfOrder: throw PostgresError(.migration, "\(name) is older than what was applied")
            case .applied, .pending: break
            }
            guard step.version == Int64(index + 1) else {
                throw PostgresError(.migration, "the numbers have a gap before \(name)")
            }
        }
    }

    // MARK: Session

    private func session<Result: Sendable>(
        _ body: (PostgresSession) async throws -> Result
    ) async throws -> Result {
        let client = PostgresClient(configuration: self.configuration, group: self.group, log: self.log)
        do {
            let result = try await client.withSession(body)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    /// The lock ends with the session, so a migrator that dies leaves it to the next.
    private func locked<Result: Sendable>(
        _ body: (PostgresSession) async throws -> Result
    ) async throws -> Result {
        try await self.session { session in
            try await self.lock(session)
            return try await body(session)
        }
    }

    /// Asks again and again: a statement that waits would hold a snapshot, and CREATE INDEX CONCURRENTLY in the
    /// process that works would wait for that.
    private func lock(_ session: PostgresSession) async throws {
        let deadline = MonotonicInstant.now + Self.lockWaitMax
        while true {
            let row = try await session.query("SELECT pg_try_advisory_lock(\(Self.lockKey))").first
            if try row?.decode(at: 0, as: Bool.self) == true { return }
            guard MonotonicInstant.now < deadline else {
                throw PostgresError(.migration, "another process has been migrating for too long")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
