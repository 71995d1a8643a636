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
                do {
                    return try await Self.run(action, migrator)
                } catch let error as MigrationError {
                    await Self.tellWhatIsWrong(migrator)
                    throw error
                }
            }
        } catch {
            log.error("migrate failed", ["reason": .text(String(describing: error))])
            return ExitCode.failure
        }
    }

    /// Lists the migrations that are neither applied nor waiting their turn.
    private static func tellWhatIsWrong(_ migrator: PostgresMigrator) async {
        guard let steps = try? await migrator.status() else { return }
        for step in steps where step.state != .applied && step.state != .pending {
            StandardStream.error.write("\(step.state.rawValue) \(step.title)\n")
        }
    }

    private static func run(_ action: Command.MigrateAction, _ migrator: PostgresMigrator) async throws -> Int32 {
        switch action {
        case .up:
            let steps = try await migrator.up()
            let names = steps.map { "applied \($0.title)\n" }.joined()
            StandardStream.output.write(names.isEmpty ? "The schema is up to date.\n" : names)
            return ExitCode.success
        case .status:
            for step in try await migrator.status() {
                let time = step.appliedAt.map { " \($0)" } ?? ""
                StandardStream.output.write("\(step.state.rawValue) \(step.title)\(time)\n")
            }
            return ExitCode.success
        case .verify:
            let pending = try await migrator.verify()
            guard pending.isEmpty else {
                let names = pending.map(\.title).joined(separator: ", ")
                StandardStream.error.write("timingle: pending migrations: \(names)\n")
                return ExitCode.failure
            }
            StandardStream.output.write("The schema is that of this version.\n")
            return ExitCode.success
        }
    }
}
