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
                try await self.tell(of: group, log)
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

    /// Says how the loops run in truth: a sandbox may have refused their scheduling, an operator chosen another class.
    private func tell(of group: EventLoopGroup, _ log: Log) async throws {
        let wanted = self.configuration.eventLoopScheduling
        let scheduling = try await group.loops[0].enter { ThreadScheduling.current }
        if let scheduling, scheduling != wanted {
            log.warning("the kernel refuses EVENT_LOOP_SCHEDULING", ["wanted": .text(wanted.rawValue)])
        }
        log.info(
            "event loops run",
            [
                "count": .number(Int64(group.loops.count)),
                "scheduling": .text(scheduling?.rawValue ?? "as the process was started"),
            ]
        )
    }

    private var logFormat: LogLineFormat {
        switch self.configuration.logFormat {
        case .json: .json
        case .pretty: .pretty
        case .auto: StandardStream.output.isTerminal ? .pretty : .json
        }
    }
}
