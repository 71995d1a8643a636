internal import Glibc
internal import TimingleNet

/// The listener and its rooms without the product: what benchmarks and conformance suites are run against.
///
/// `GET <path>?event_id=N` with an upgrade joins room N, where each text goes verbatim to every member, the sender
/// included; `GET /echo` with an upgrade sends each message back; any other GET is answered by a short JSON.
@main
enum BareListener {
    static func main() {
        let options = BareListenerOptions(CommandLine.arguments)
        signal(SIGPIPE, SIG_IGN)
        ProcessMemory.keepFreed(bytes: 16 * 1024 * 1024)
        Self.raiseDescriptorLimit()
        // Not on the main actor, whose thread only waits.
        Task { @concurrent in
            do {
                try await Self.serve(options)
            } catch {
                Self.die("\(error)")
            }
        }
        // An asynchronous main would wait in sigsuspend, on which Debian's valgrind dies.
        while true { pause() }
    }

    private static func serve(_ options: BareListenerOptions) async throws {
        try await withEventLoopGroup(count: options.loops, scheduling: options.scheduling) { group in
            let rooms = RoomFanout(group: group, compression: options.deflate ?? PerMessageDeflate())
            var configuration = HTTPServerConfiguration(
                port: options.port,
                responder: BareRoutes(rooms: rooms, group: group).responder()
            )
            configuration.webSocketDeflate = options.deflate
            if let files = options.tls {
                configuration.tls = try TLSContext(
                    server: TLSServerSettings(certificateFile: files.certificateFile, keyFile: files.keyFile)
                )
            }
            // Load generators reuse connections without end and send as fast as they can.
            configuration.limits.requestsPerConnection = .max
            configuration.webSocketLimits.maxFrameBytes = options.maxMessageBytes
            configuration.webSocketLimits.maxMessageBytes = options.maxMessageBytes
            configuration.webSocketLimits.outboxBytes = max(4 * 1024 * 1024, 2 * options.maxMessageBytes)
            let listener = try await Listener.bind(configuration, group: group)
            print("listening on \(listener.address)")
            fflush(nil)
            // Ended by a signal's default action.
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    private static func die(_ reason: String) -> Never {
        let text = Array("\(reason)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
        exit(1)
    }

    /// A descriptor per connection: as many as the system lets us have.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
