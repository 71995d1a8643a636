internal import TimingleCQL
package import TimingleNet

/// Brings a keyspace's schema forward, file by file, never back; makes the keyspace where there is none.
///
/// Any thread. It takes no lock: who runs `up` holds PostgreSQL's (`PostgresMigrator.up`). A file is one statement that
/// may be run again (IF NOT EXISTS), because nothing here is a transaction: a migrator that died between a statement
/// and its record leaves it to the next.
package struct CQLMigrator: Sendable {
    private let settings: CQLStoreSettings
    private let directory: String
    private let group: EventLoopGroup
    private let log: Log

    package init(settings: CQLStoreSettings, directory: String, group: EventLoopGroup, log: Log) {
        var settings = settings
        // A schema is changed by one node after the other.
        settings.requestTimeout = max(settings.requestTimeout, .seconds(60))
        settings.connectionsPerHost = 1
        self.settings = settings
        self.directory = directory
        self.group = group
        self.log = log.labelled("migrate")
    }

    /// Applies every pending file; returns the steps that it applied.
    @discardableResult
    package func up() async throws -> [MigrationStep] {
        let files = try self.files()
        try await self.makeKeyspace()
        return try await self.session(in: self.settings.keyspace) { client in
            try await self.change(client, Self.tableStatement)
            return try await MigrationStep.apply(files, behind: try await self.applied(client)) { file in
                try await self.apply(file, client)
            }
        }
    }

    /// How files and keyspace agree, in the order of their numbers.
    package func status() async throws -> [MigrationStep] {
        let files = try self.files()
        return try await self.session(in: nil) { client in
            let table = try await client.execute(
                """
                SELECT table_name FROM system_schema.tables
                WHERE keyspace_name = \(self.settings.keyspace) AND table_name = 'schema_migrations'
                """
            )
            return MigrationStep.compare(files, table.isEmpty ? [] : try await self.applied(client))
        }
    }

    /// Throws unless every applied step has its unchanged file and none was skipped; returns what is pending.
    @discardableResult
    package func verify() async throws -> [MigrationStep] {
        try MigrationStep.pending(of: try await self.status())
    }

    // MARK: Steps

    private func files() throws(MigrationError) -> [MigrationFile] {
        let files = try MigrationFile.all(.cql, in: self.directory)
        for file in files where MigrationScript.statements(of: file.script).count != 1 {
            throw MigrationError("\(file.version)_\(file.name) is not exactly one statement")
        }
        return files
    }

    private static let tableStatement: CQLStatement = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version     bigint PRIMARY KEY,
            name        text,
            checksum    text,
            applied_at  timestamp,
            duration_ms bigint
        )
        """

    private func makeKeyspace() async throws {
        let (keyspace, replication) = (self.settings.keyspace, self.settings.replication.cql)
        try await self.session(in: nil) { client in
            let found = try await client.execute(
                "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = \(keyspace)"
            )
            // One that is there keeps what its operator gave it.
            guard found.isEmpty else { return }
            try await self.change(
                client,
                "CREATE KEYSPACE IF NOT EXISTS \(unsafe: keyspace) WITH replication = \(unsafe: replication)"
            )
            self.log.info("keyspace made", ["keyspace": .text(keyspace), "replication": .text(replication)])
        }
    }

    private func applied(_ client: CQLClient) async throws -> [MigrationStep.Applied] {
        let rows = try await client.execute(
            """
            SELECT version, name, checksum, applied_at
            FROM \(unsafe: self.settings.keyspace).schema_migrations
            """
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

    private func apply(_ file: MigrationFile, _ client: CQLClient) async throws {
        let start = MonotonicInstant.now
        do throws(CQLError) {
            for statement in MigrationScript.statements(of: file.script) {
                try await self.change(client, CQLStatement(unsafe: statement))
            }
            let (seconds, attoseconds) = (MonotonicInstant.now - start).components
            let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
            var record: CQLStatement = """
                INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms)
                VALUES (\(file.version), \(file.name), \(file.checksum), toTimestamp(now()), \(milliseconds))
                """
            record.isIdempotent = true
            try await client.execute(record)
        } catch {
            self.log.error("migration failed", ["version": .number(file.version), "reason": .text("\(error)")])
            if error.isTransient { throw error }
            throw MigrationError("\(file.version)_\(file.name): \(error)")
        }
        self.log.info("migration applied", ["version": .number(file.version), "name": .text(file.name)])
    }

    /// Runs a statement that changes the schema, and waits until all nodes have it.
    ///
    /// At one node and once: two that make the same table at the same time make two of it.
    private func change(_ client: CQLClient, _ statement: CQLStatement) async throws(CQLError) {
        try await client.execute(statement)
        try await client.awaitSchemaAgreement()
    }

    private func session<Result: Sendable>(
        in keyspace: String?,
        _ body: (CQLClient) async throws -> Result
    ) async throws -> Result {
        let client = CQLClient(
            configuration: try self.settings.configuration(keyspace: keyspace, loops: 1),
            group: self.group,
            log: self.log
        )
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            guard let trouble = error as? CQLError, let advice = CQLStoreSettings.advice(trouble) else { throw error }
            throw CQLStoreTrouble(error: trouble, advice: advice)
        }
    }
}
