internal import TimingleCore
internal import TimingleNet

/// Reads what is asked, does it, and ends the process with its exit code.
@main
enum Main {
    static func main() async {
        let code: Int32
        do throws(Command.UsageError) {
            let command = try Command(arguments: Array(CommandLine.arguments.dropFirst()))
            code = await Self.run(command)
        } catch {
            StandardStream.error.write("timingle: \(error.message)\n\n\(Command.usage)")
            code = ExitCode.usage
        }
        // Loops and drivers' threads may still turn; nothing of theirs is left to save.
        ProcessEnvironment.exitNow(code)
    }

    private static func run(_ command: Command) async -> Int32 {
        switch command {
        case .help:
            StandardStream.output.write(Command.usage)
            return ExitCode.success
        case .version:
            StandardStream.output.write("timingle \(BuildInformation.version)\n")
            return ExitCode.success
        case .config(.docs):
            StandardStream.output.write(ConfigurationTable.markdown)
            return ExitCode.success
        case .config(.print):
            StandardStream.output.write(
                ServerConfiguration.environmentFile(variables: ProcessEnvironment.variables())
            )
            // Prints what there is, also where it is wrong; the exit code tells.
            return Self.configuration() == nil ? ExitCode.configuration : ExitCode.success
        case .config(.check):
            guard let configuration = Self.configuration() else { return ExitCode.configuration }
            for warning in configuration.warnings { StandardStream.error.write("warning: \(warning)\n") }
            StandardStream.output.write("The configuration is good.\n")
            return ExitCode.success
        case .healthcheck:
            guard let configuration = Self.configuration() else { return ExitCode.configuration }
            let host = HealthProbe.host(for: configuration.listenAddress)
            let isReady = HealthProbe.isReady(
                host: host,
                port: configuration.port,
                asProxy: configuration.wantsProxyHeader(from: host),
                tls: configuration.listener.tls == nil
                    ? nil : try? TLSContext(client: TLSClientSettings(trust: .anybody))
            )
            if !isReady { StandardStream.error.write("timingle: not ready\n") }
            return isReady ? ExitCode.success : ExitCode.failure
        case .migrate(let action):
            guard let configuration = Self.configuration() else { return ExitCode.configuration }
            return await MigrateCommand(configuration: configuration).run(action)
        case .serve:
            ProcessMemory.keepFreed(bytes: 16 * 1024 * 1024)
            guard let configuration = Self.configuration() else { return ExitCode.configuration }
            return await ServeCommand(configuration: configuration).run()
        }
    }

    /// The checked configuration, or nil after all its problems were told.
    private static func configuration() -> ServerConfiguration? {
        do throws(ServerConfiguration.Problems) {
            return try ServerConfiguration(variables: ProcessEnvironment.variables())
        } catch {
            let lines = error.problems.map { "  \($0)\n" }.joined()
            StandardStream.error.write("timingle: the configuration is wrong:\n\(lines)")
            return nil
        }
    }
}
