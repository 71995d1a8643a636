package import TimingleNet

/// Brings a database's schema forward, file by file, never back.
///
/// Any thread. One advisory lock is held from the first look to the last file, so that of several starting processes
/// one works and the others wait and then find nothing to do.
package struct PostgresMigrator: Sendable {
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
    package func up() async throws -> [MigrationStep] {
        try await self.up { $0 }
    }

    /// Applies every pending file, then runs `next` with the steps that were applied, under the same lock: what else
    /// is to be brought forward.
    package func up<Result: Sendable>(
        then next: @Sendable ([MigrationStep]) async throws -> Result
    ) async throws -> Result {
        let files = try MigrationFile.all(.sql, in: self.directory)
        return try await self.locked { session in
            try await self.createTable(session)
            let done = try await MigrationStep.apply(files, behind: try await self.applied(session)) { file in
                try await self.apply(file, session)
            }
            return try await next(done)
        }
    }

    /// How files and database agree, in the order of their numbers.
    ///
    /// Changes nothing and takes no lock.
    package func status() async throws -> [MigrationStep] {
        let files = try MigrationFile.all(.sql, in: self.directory)
        return try await self.session { session in
            let row = try await session.query("SELECT to_regclass('schema_migrations') IS NOT NULL").first
            let exists = try row?.decode(at: 0, as: Bool.self) ?? false
            return MigrationStep.compare(files, exists ? try await self.applied(session) : [])
        }
    }

    /// Throws unless every applied step has its unchanged file and none was skipped; returns what is pending.
    @discardableResult
    package func verify() async throws -> [MigrationStep] {
        try MigrationStep.pending(of: try await self.status())
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

    private func applied(_ session: PostgresSession) async throws(PostgresError) -> [MigrationStep.Applied] {
        let rows = try await session.query(
            "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version"
        )
        var applied: [MigrationStep.Applied] = []
        for row in rows {
            applied.append(
                MigrationStep.Applied(
                    version: try row.decode("version"),
                    name: try row.decode("name"),
                    checksum: try row.decode("checksum"),
                    at: try row.decode("applied_at")
                )
            )
        }
        return applied
    }

    private func apply(_ file: MigrationFile, _ session: PostgresSession) async throws {
        let start = MonotonicInstant.now
        do {
            if file.isTransactional {
                try await session.query("BEGIN")
                try await session.execute(script: file.script)
                guard await session.isInTransaction() else {
                    throw MigrationError("the file ends its own transaction")
                }
                try await self.record(file, since: start, session)
                try await session.query("COMMIT")
            } else {
                for statement in MigrationScript.statements(of: file.script) {
                    try await session.execute(script: statement)
                }
                try await self.record(file, since: start, session)
            }
        } catch {
            self.log.error("migration failed", ["version": .number(file.version), "reason": .text("\(error)")])
            let message = "\(file.version)_\(file.name): \(error)"
            if let error = error as? PostgresError, error.isTransient {
                throw PostgresError(error.code, message, sqlState: error.sqlState)
            }
            throw MigrationError(message)
        }
        self.log.info("migration applied", ["version": .number(file.version), "name": .text(file.name)])
    }

    private func record(
        _ file: MigrationFile,
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
                throw MigrationError("another process has been migrating for too long")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
