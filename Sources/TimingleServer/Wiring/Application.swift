internal import TimingleCore
internal import TimingleNet

/// The one place where everything is built and joined, by role.
///
/// Starts with any dependency away: each client connects when it is needed, and again when it was lost.
final class Application: Sendable {
    private let configuration: ServerConfiguration
    private let group: EventLoopGroup
    private let log: Log
    /// How many files the process may have open.
    private let descriptors: Int
    private let lifecycle = Lifecycle()
    private let stores: Stores
    private let chat: ChatWiring
    private let responder: HTTPResponder
    /// Nil for plain text.
    private let certificate: CertificateReload?

    init(
        configuration: ServerConfiguration,
        group: EventLoopGroup,
        descriptors: Int,
        clock: any WallClock,
        log: Log
    ) throws {
        self.configuration = configuration
        self.descriptors = descriptors
        self.group = group
        self.log = log
        self.certificate = try configuration.listener.tls.map { settings in
            CertificateReload(
                context: try TLSContext(server: settings),
                settings: settings,
                log: log.labelled("tls"),
                clock: clock
            )
        }
        let stores = try Stores(configuration: configuration, group: group, log: log)
        let chat = ChatWiring(configuration: configuration, stores: stores, group: group, clock: clock, log: log)
        self.stores = stores
        self.chat = chat
        let routes = Routes(
            health: HealthHandlers(
                checks: Self.checks(configuration.role, stores, chat),
                lifecycle: self.lifecycle
            ),
            auth: AuthHandlers(auth: try Self.auth(configuration, stores, clock: clock, log: log)),
            events: EventHandlers(
                events: EventService(
                    store: stores.events,
                    clock: clock,
                    outbox: chat.relay,
                    rooms: chat.hub,
                    configuration: EventServiceConfiguration(
                        allowsArbitraryParticipants: configuration.allowArbitraryParticipants
                    )
                ),
                history: HistoryService(events: stores.events, history: stores.history),
                clock: clock
            ),
            chatHistory: ChatHistoryHandlers(chat: chat.service),
            chatSocket: ChatSocket(
                sessions: chat.sessions,
                lifecycle: self.lifecycle,
                origins: configuration.webSocketOrigins
            ),
            console: try configuration.listener.staticDirectory.map { directory throws(ConfigurationProblem) in
                try ConsoleHandlers(directory: directory)
            },
            limiter: stores.limiter,
            rateLimits: configuration.rateLimits,
            clock: clock,
            role: configuration.role
        )
        self.responder = routes.handler(around: [
            RequestIdentity(proxyTrust: configuration.proxyTrust),
            AccessLog(),
            CORS(origins: configuration.corsOrigins),
            ErrorResponder(),
        ])
    }

    /// Serves until `signal` yields, then ends in order.
    func run(until signal: AsyncStream<String>) async throws {
        let configuration = self.listenerConfiguration
        let listener = try await Listener.bind(configuration, group: self.group)
        self.stores.start()
        self.chat.start()
        let memory = ConnectionMemory(configuration)
        self.log.info(
            "listening",
            [
                "address": .text("\(listener.address)"),
                "port": .number(Int64(listener.port)),
                "connections_max": .number(Int64(configuration.limits.connections)),
                "connection_bytes_max": .number(Int64(memory.bytesMax)),
            ]
        )
        let reloading = self.certificate.map { certificate in Task { await certificate.run() } }
        defer { reloading?.cancel() }
        for await name in signal {
            self.log.info("shutting down", ["signal": .text(name)])
            break
        }
        let isClean = await self.shutdown(of: listener).run(clock: ContinuousClock())
        self.log.info("ended", ["clean": .flag(isClean)])
    }

    private var listenerConfiguration: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration(
            address: self.configuration.listenAddress,
            port: self.configuration.port,
            log: self.log.labelled("http"),
            errorResponse: { error, fields in ErrorResponder.response(to: error, fields: fields) },
            responder: self.responder
        )
        configuration.tls = self.certificate?.context
        configuration.limits = self.configuration.listener.limits
        configuration.limits.connections = self.connectionsMax()
        let proxies = self.configuration.proxyTrust.proxies
        configuration.proxyProtocolPeers = self.configuration.listener.proxyProtocol ? proxies : []
        // Through a proxy everybody comes, and who is on this machine needs no connection to harm it.
        configuration.uncountedPeers = proxies + AddressBlock.loopback
        configuration.contentCoding = self.configuration.listener.contentCoding
        configuration.webSocketDeflate = self.configuration.listener.webSocketDeflate
        configuration.webSocketLimits = self.webSocketLimits
        return configuration
    }

    /// As many as were asked for, or as the limit on open files allows.
    private func connectionsMax() -> Int {
        let wanted = self.configuration.listener.limits.connections
        // Drivers, loops, files, the log; each loop has a connection to Redis.
        let files = self.configuration.listener.staticDirectory == nil ? 0 : StaticFiles.Limits().descriptorsMax
        let others = 64 + files + self.configuration.postgresConnections + 8 * self.group.loops.count
        let most = ListenerSettings.connectionsMax(wanted, descriptors: self.descriptors, others: others)
        if most < wanted {
            self.log.warning(
                "HTTP_MAX_CONNECTIONS is held below the limit on open files",
                ["connections_max": .number(Int64(most)), "descriptors_max": .number(Int64(self.descriptors))]
            )
        }
        return most
    }

    private var webSocketLimits: WebSocketLimits {
        var limits = WebSocketLimits()
        limits.maxFrameBytes = self.configuration.webSocketFrameBytes
        limits.maxMessageBytes = self.configuration.webSocketFrameBytes
        limits.outboxBytes = self.configuration.webSocketQueueBytes
        limits.pingInterval = self.configuration.webSocketPing
        limits.readTimeout = self.configuration.webSocketReadTimeout
        limits.writeTimeout = self.configuration.webSocketWriteTimeout
        limits.writeBytesPerSecondMin = self.configuration.listener.limits.writeBytesPerSecondMin
        return limits
    }

    /// From the outside in: nothing is taken away from what still works.
    private func shutdown(of listener: Listener) -> Shutdown {
        let grace = self.configuration.shutdownGrace
        return Shutdown(
            timeout: self.configuration.shutdownTimeout + grace,
            steps: [
                .init("fail readiness") { _ in
                    self.lifecycle.beginDraining()
                    // Whoever routes to us has this long to notice.
                    try? await Task.sleep(for: grace)
                },
                .init("stop accepting") { _ in await listener.stopAccepting() },
                .init("finish requests and sockets") { remaining in
                    await listener.drain(
                        deadline: min(remaining, max(remaining - .seconds(5), .seconds(1))),
                        closingOver: self.configuration.shutdownSpread
                    )
                },
                .init("finish publications and batches") { remaining in await self.chat.drain(deadline: remaining) },
                .init("close connections") { _ in
                    await listener.close()
                    await self.chat.close()
                    await self.stores.close()
                },
            ],
            log: self.log
        )
    }

    private static func auth(
        _ configuration: ServerConfiguration,
        _ stores: Stores,
        clock: any WallClock,
        log: Log
    ) throws -> AuthService {
        var settings = AuthConfiguration(
            mode: configuration.authIsStrict ? .strict : .compat,
            isOTPTestMode: configuration.otpTestMode,
            codeHashKey: configuration.codeHashKey()
        )
        // The routes count these calls, and tell the client how many are left.
        settings.perAddress = nil
        if !configuration.rateLimits.isEnabled { settings.compatPerPhone = nil }
        return AuthService(
            ports: AuthService.Ports(
                users: stores.users,
                tokens: stores.tokens,
                tickets: stores.tickets,
                codes: stores.codes,
                limiter: stores.limiter,
                sms: configuration.isProduction ? AbsentSMSSender() : LogSMSSender(log: log),
                audit: LogAuthAudit(log: log),
                clock: clock
            ),
            issuer: try configuration.tokenIssuer(),
            configuration: settings
        )
    }

    private static func checks(
        _ role: ServerConfiguration.Role,
        _ stores: Stores,
        _ chat: ChatWiring
    ) -> [DependencyCheck] {
        var checks = [
            DependencyCheck("postgres", isRequired: true) {
                do throws(PostgresError) {
                    try await stores.postgres.ping()
                    return nil
                } catch {
                    return "\(error.code)"
                }
            },
            DependencyCheck("redis", isRequired: false) {
                do throws(RedisError) {
                    try await stores.redis.ping()
                    return nil
                } catch {
                    return "\(error.code)"
                }
            },
            DependencyCheck(
                "nats",
                isRequired: role != .api,
                details: {
                    let facts = chat.broker.facts
                    return [("version", facts.version ?? "unknown"), ("sync", facts.sync.rawValue)]
                },
                failure: { chat.brokerFailure }
            ),
        ]
        // Without it people still talk: what they say waits in the broker.
        if let cql = stores.cql { checks.append(DependencyCheck("cql", isRequired: false) { await cql.failure() }) }
        return checks
    }
}

/// There is no provider of short messages yet: nobody gets a code, and nobody may think that one is on its way.
private struct AbsentSMSSender: SMSSender {
    struct NoProvider: Error {}

    func send(code: String, to phone: String, language: Language) async throws { throw NoProvider() }
}
