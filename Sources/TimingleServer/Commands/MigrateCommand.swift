internal import TimingleCore
internal import TimingleNet

/// `timingle migrate up|status|verify`.
struct MigrateCommand: Sendable {
    let configuration: ServerConfiguration

    func run(_ action: Command.MigrateAction) async -> Int32 {
        let sink = LineSink.standard(.error, format: .pretty, clock: SystemClock())
        defer { sink.writer.flush() }
        let log = Log(label: "timingle", level: self.configuration.logLevel, sink: sink)
        do {
            let postgres = try self.configuration.postgresConfiguration()
            return try await withEventLoopGroup(count: 1) { group in
                let migrator = PostgresMigrator(
                    configuration: postgres,
                    directory: self.configuration.migrationsDirectory,
                    group: group,
                    log: log
                )
                return try await Self.run(action, migrator)
            }
        } catch {
            log.error("migrate failed", ["reason": .text(String(describing: error))])
            return ExitCode.failure
        }
    }

    private static func run(_ action: Command.MigrateAction, _ migrator: PostgresMigrator) async throws -> Int32 {
        switch action {
        case .up:
            let steps = try await migrator.up()
            let names = steps.map { "applied \($0.version)_\($0.name)\n" }.joined()
            StandardStream.output.write(names.isEmpty ? "The schema is up to date.\n" : names)
            return ExitCode.success
        case .status:
            for step in try await migrator.status() {
                let time = step.appliedAt.map { " \($0)" } ?? ""
                StandardStream.output.write("\(step.state.rawValue) \(step.version)_\(step.name)\(time)\n")
            }
            return ExitCode.success
        case .verify:
            let pending = try await migrator.verify()
            guard pending.isEmpty else {
                let names = pending.map { "\($0.version)_\($0.name)" }.joined(separator: ", ")
                StandardStream.error.write("timingle: pending migrations: \(names)\n")
                return ExitCode.failure
            }
            StandardStream.output.write("The schema is that of this version.\n")
            return ExitCode.success
        }
    }
}
