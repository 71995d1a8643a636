internal import TimingleCore
internal import TimingleNet

/// The broker, the rooms, and what carries items between them and the stores.
struct ChatWiring: Sendable {
    let nats: NATSConnection
    let broker: NATSServerInspector
    let service: ChatService
    let sessions: ChatSessions
    let relay: OutboxRelay
    let hub: Hub
    private let role: ServerConfiguration.Role
    private let streams: JetStreamProvisioner
    private let persister: StreamWorker<MessagePersister>
    private let recorder: StreamWorker<HistoryRecorder>

    init(
        configuration: ServerConfiguration,
        stores: Stores,
        group: EventLoopGroup,
        clock: any WallClock,
        log: Log
    ) {
        let nats = NATSConnection(configuration: NATSConfiguration(url: configuration.natsURL), log: log)
        let client = JetStreamClient(connection: nats, log: log)
        let relay: any RoomRelay = NATSRoomRelay(connection: nats)
        let hub = Hub(
            group: group,
            audience: RoomFanout(group: group),
            broker: NATSMessageBroker(client: client),
            relay: stores.cql.map { TypingRecorder(relay: relay, store: $0.typing, clock: clock) } ?? relay,
            messages: stores.messages,
            marks: stores.marks,
            clock: clock,
            log: log
        )
        var limits = ChatLimits()
        limits.textCharactersMax = configuration.chatMaxCharacters
        limits.messagesPerSecond = configuration.chatRatePerSecond
        limits.messagesBurst = configuration.chatRateBurst
        self.nats = nats
        self.broker = NATSServerInspector(connection: nats, monitorURL: configuration.natsMonitorURL, log: log)
        self.streams = JetStreamProvisioner(
            client: client,
            streams: JetStreamTopology.streams(),
            loop: group.nextLoop()
        )
        self.hub = hub
        self.role = configuration.role
        self.service = ChatService(
            rooms: hub,
            access: stores.events,
            messages: stores.messages,
            marks: stores.marks,
            clock: clock,
            limits: limits
        )
        self.sessions = ChatSessions(service: self.service, hub: hub)
        self.relay = OutboxRelay(
            store: stores.outbox,
            publisher: NATSChangePublisher(client: client),
            loop: group.nextLoop(),
            log: log
        )
        self.persister = MessagePersister.worker(
            loop: group.nextLoop(),
            client: client,
            messages: stores.messages,
            marks: stores.marks,
            ackWait: Self.ackWait,
            log: log
        )
        self.recorder = HistoryRecorder.worker(
            loop: group.nextLoop(),
            client: client,
            history: stores.history,
            rooms: hub,
            ackWait: Self.ackWait,
            log: log
        )
    }

    /// After a killed worker, its batch comes again so soon; who still works on one says so to the broker.
    private static let ackWait: Duration = .seconds(10)

    /// Starts the role's work; the streams are made as soon as the broker is there, and nobody waits for that.
    func start() {
        self.streams.start()
        guard self.role.runsWorker else { return }
        self.relay.start()
        // A change that comes again finds its line in the store, or its line would be said twice.
        let recorder = self.recorder
        self.persister.start { recorder.start() }
    }

    /// Why nothing can be appended to a room right now; nil when the broker is there with its streams.
    var brokerFailure: String? {
        guard self.nats.isConnected else { return "not connected" }
        guard self.streams.isReady else { return "the streams are not there yet" }
        return self.hasLookedBack ? nil : "what waits in the stream is not stored yet"
    }

    /// Pages have no holes that only a process before this one could explain.
    private var hasLookedBack: Bool { !self.role.runsWorker || self.persister.hasLookedBack }

    /// Finishes publications, then batches: what a publication put into the broker may be stored by the next process.
    func drain(deadline: Duration) async {
        self.streams.stop()
        await self.service.drain(deadline: deadline)
        guard self.role.runsWorker else { return }
        await self.relay.stop()
        await self.recorder.drain(deadline: deadline)
        await self.persister.drain(deadline: deadline)
    }

    func close() async { await self.nats.close() }
}
