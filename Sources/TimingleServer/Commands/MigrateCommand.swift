internal import TimingleCore
internal import TimingleNet

/// `timingle migrate up|status|verify`: PostgreSQL's schema, and Cassandra's where SCYLLA_HOSTS names one.
struct MigrateCommand: Sendable {
    let configuration: ServerConfiguration

    /// The migrators of the stores that are configured.
    private struct Migrators: Sendable {
        let postgres: PostgresMigrator
        let cql: CQLMigrator?
    }

    func run(_ action: Command.MigrateAction) async -> Int32 {
        let sink = LineSink.standard(.error, format: .pretty, clock: SystemClock())
        defer { sink.writer.flush() }
        let log = Log(label: "timingle", level: self.configuration.logLevel, sink: sink)
        do {
            let postgres = try self.configuration.postgresConfiguration()
            return try await withEventLoopGroup(count: 1) { group in
                let migrators = Migrators(
                    postgres: PostgresMigrator(
                        configuration: postgres,
                        directory: self.configuration.migrationsDirectory,
                        group: group,
                        log: log
                    ),
                    cql: self.configuration.cqlStores.map { settings in
                        CQLMigrator(
                            settings: settings,
                            directory: self.configuration.migrationsDirectory + "/cql",
                            group: group,
                            log: log
                        )
                    }
                )
                do {
                    return try await Self.run(action, migrators)
                } catch let error as MigrationError {
                    await Self.tellWhatIsWrong(migrators)
                    throw error
                }
            }
        } catch {
            log.error("migrate failed", ["reason": .text(String(describing: error))])
            return ExitCode.failure
        }
    }

    /// Lists the migrations that are neither applied nor waiting their turn.
    private static func tellWhatIsWrong(_ migrators: Migrators) async {
        for (prefix, steps) in [
            ("", try? await migrators.postgres.status()), ("cql/", try? await migrators.cql?.status()),
        ] {
            for step in steps ?? [] where step.state != .applied && step.state != .pending {
                StandardStream.error.write("\(step.state.rawValue) \(prefix)\(step.title)\n")
            }
        }
    }

    private static func run(_ action: Command.MigrateAction, _ migrators: Migrators) async throws -> Int32 {
        switch action {
        case .up:
            // Cassandra has no lock that ends with its holder: PostgreSQL's stands for both.
            let names = try await migrators.postgres.up { steps in
                let others = try await migrators.cql?.up() ?? []
                return steps.map(\.title) + others.map { "cql/" + $0.title }
            }
            let lines = names.map { "applied \($0)\n" }.joined()
            StandardStream.output.write(lines.isEmpty ? "The schema is up to date.\n" : lines)
            return ExitCode.success
        case .status:
            Self.list(try await migrators.postgres.status(), prefix: "")
            if let cql = migrators.cql { Self.list(try await cql.status(), prefix: "cql/") }
            return ExitCode.success
        case .verify:
            var pending = try await migrators.postgres.verify().map(\.title)
            if let cql = migrators.cql { pending += try await cql.verify().map { "cql/" + $0.title } }
            guard pending.isEmpty else {
                StandardStream.error.write("timingle: pending migrations: \(pending.joined(separator: ", "))\n")
                return ExitCode.failure
            }
            StandardStream.output.write("The schema is that of this version.\n")
            return ExitCode.success
        }
    }

    private static func list(_ steps: [MigrationStep], prefix: String) {
        for step in steps {
            let time = step.appliedAt.map { " \($0)" } ?? ""
            StandardStream.output.write("\(step.state.rawValue) \(prefix)\(step.title)\(time)\n")
        }
    }
}
