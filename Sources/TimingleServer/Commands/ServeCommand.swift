internal import TimingleCore
internal import TimingleNet

/// `timingle serve`: runs the application until a signal ends it.
struct ServeCommand: Sendable {
    let configuration: ServerConfiguration

    func run() async -> Int32 {
        let signals = TerminationSignals()
        let clock = SystemClock()
        let sink = LineSink.standard(.output, format: self.logFormat, clock: clock)
        defer { sink.writer.flush() }
        let log = Log(label: "timingle", level: self.configuration.logLevel, sink: sink)
        let descriptors = ProcessEnvironment.raiseDescriptorLimit()
        for warning in self.configuration.warnings { log.warning("configuration", ["note": .text(warning)]) }
        log.info(
            "starting",
            [
                "version": .text(BuildInformation.version),
                "role": .text(self.configuration.role.rawValue),
                "environment": .text(self.configuration.environment.rawValue),
                "descriptors_max": .number(Int64(clamping: descriptors)),
                "pid": .number(Int64(ProcessEnvironment.processID())),
            ]
        )
        let given = self.configuration.eventLoops
        do {
            return try await withEventLoopGroup(
                count: given > 0 ? given : ProcessEnvironment.processorCount(),
                scheduling: self.configuration.eventLoopScheduling
            ) { group in
                let application = try Application(
                    configuration: self.configuration,
                    group: group,
                    descriptors: Int(clamping: descriptors),
                    clock: clock,
                    log: log
                )
                try await application.run(until: signals.first)
                sink.writer.flush()
                // All that was promised is done; drivers' threads need no farewell.
                ProcessEnvironment.exitNow(ExitCode.success)
            }
        } catch {
            log.error("the server cannot run", ["reason": .text(String(describing: error))])
            return ExitCode.failure
        }
    }

    private var logFormat: LogLineFormat {
        switch self.configuration.logFormat {
        case .json: .json
        case .pretty: .pretty
        case .auto: StandardStream.output.isTerminal ? .pretty : .json
        }
    }
}
