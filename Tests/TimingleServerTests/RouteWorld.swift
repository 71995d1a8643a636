import TimingleCore
import TimingleNet
import TimingleTestSupport
@testable import TimingleServer

/// All routes over stores in memory, asked in process.
struct RouteWorld: Sendable {
    let handler: HTTPResponder
    let loop: EventLoop
    let users: MemoryUserStore
    let events: MemoryEventStore
    let sms: RecordingSMSSender
    let tickets: MemoryTicketStore
    let limiter: MemoryRateLimiter
    let clock: ManualWallClock
    let lifecycle: Lifecycle

    /// A signed-in person.
    struct Person: Sendable {
        let id: UserID
        let token: String
    }

    static func with(
        role: ServerConfiguration.Role = .all,
        perUser: Int64 = 10_000,
        perAddress: Int64 = 10_000,
        _ body: (RouteWorld) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            try await body(try RouteWorld(role, perUser, perAddress, group))
        }
    }

    private init(
        _ role: ServerConfiguration.Role,
        _ perUser: Int64,
        _ perAddress: Int64,
        _ group: EventLoopGroup
    ) throws {
        let clock = ManualWallClock()
        self.loop = group.loops[0]
        self.clock = clock
        self.users = MemoryUserStore(clock: clock)
        self.events = MemoryEventStore()
        self.sms = RecordingSMSSender()
        self.tickets = MemoryTicketStore()
        self.limiter = MemoryRateLimiter()
        self.lifecycle = Lifecycle()
        var settings = AuthConfiguration(mode: .strict, codeHashKey: Array(repeating: 7, count: 32))
        settings.perAddress = nil
        let auth = AuthService(
            ports: AuthService.Ports(
                users: self.users,
                tokens: MemoryTokenStore(),
                tickets: self.tickets,
                codes: MemoryOTPStore(),
                limiter: self.limiter,
                sms: self.sms,
                audit: RecordingAuthAudit(),
                clock: clock
            ),
            issuer: TokenIssuer(current: try JSONWebKey.hs256(secret: Array(0..<32))),
            configuration: settings
        )
        let effects = EventEffects()
        let hub = Hub(
            group: group,
            audience: RoomFanout(group: group),
            broker: AbsentBroker(),
            relay: AbsentBroker(),
            messages: EmptyStores(),
            marks: self.events,
            clock: clock,
            log: .silent
        )
        let chat = ChatService(
            rooms: hub,
            access: self.events,
            messages: EmptyStores(),
            marks: self.events,
            clock: clock
        )
        let routes = Routes(
            health: HealthHandlers(checks: [], lifecycle: self.lifecycle),
            auth: AuthHandlers(auth: auth),
            events: EventHandlers(
                events: EventService(store: self.events, clock: clock, outbox: effects, rooms: effects),
                history: HistoryService(events: self.events, history: EmptyStores()),
                clock: clock
            ),
            chatHistory: ChatHistoryHandlers(chat: chat),
            chatSocket: ChatSocket(
                sessions: ChatSessions(service: chat, hub: hub),
                lifecycle: self.lifecycle,
                origins: []
            ),
            console: nil,
            limiter: self.limiter,
            rateLimits: ServerConfiguration.RateLimits(
                isEnabled: true,
                user: RateLimit(count: perUser, windowSeconds: 60),
                business: RateLimit(count: perUser * 3, windowSeconds: 60),
                auth: RateLimit(count: perAddress, windowSeconds: 60)
            ),
            clock: clock,
            role: role
        )
        self.handler = routes.handler(around: [
            RequestIdentity(proxyTrust: ProxyTrust(proxies: [])), AccessLog(), CORS(origins: []), ErrorResponder(),
        ])
    }

    func ask(
        _ method: HTTPMethod,
        _ target: String,
        _ body: String = "",
        by person: Person? = nil,
        fields: HTTPFields = HTTPFields()
    ) async throws -> HTTPResponse {
        var fields = fields
        if let person { fields["Authorization"] = "Bearer \(person.token)" }
        let request = HTTPRequest(
            method: method,
            target: "/api/v1" + target,
            fields: fields,
            body: Array(body.utf8),
            peerAddress: SocketAddress(parsing: "192.0.2.1", port: 1) ?? .unspecified
        )
        return try await self.handler(request, RequestContext(loop: self.loop, requestID: "r", log: .silent))
    }

    /// Signs somebody up; before any event is made, or the stores' numbers part ways.
    func person(_ name: String) async throws -> Person {
        let id = self.events.addPerson(named: name)
        let phone = "+821012345\(600 + id.rawValue)"
        let sent = try await self.ask(.post, "/auth/phone/send", #"{"phone":"\#(phone)"}"#)
        let verification = sent.member("verification_id") ?? ""
        let code = self.sms.code(for: phone) ?? ""
        let signedIn = try await self.ask(
            .post,
            "/auth/phone/verify",
            #"{"verification_id":"\#(verification)","code":"\#(code)","name":"\#(name)"}"#
        )
        return Person(id: id, token: signedIn.member("access_token") ?? "")
    }

    /// Makes an event, and returns its number.
    func event(by person: Person, with guests: [Person] = []) async throws -> Int64 {
        let ids = guests.map { "\($0.id)" }.joined(separator: ",")
        let response = try await self.ask(
            .post,
            "/events",
            #"{"title":"점심","start_time":"2026-02-01T10:00:00Z","end_time":"2026-02-01T11:00:00Z","#
                + #""description":null,"participant_ids":[\#(ids)]}"#,
            by: person
        )
        return response.integer("id") ?? 0
    }
}

extension HTTPResponse {
    private var members: [String: JSONValue] {
        guard case .object(let members) = try? JSONReader.parse(self.bodyBytes) else { return [:] }
        return members
    }

    func member(_ name: String) -> String? {
        guard case .string(let text) = self.members[name] else { return nil }
        return text
    }

    func integer(_ name: String) -> Int64? { self.members[name]?.integerValue }
}

/// A broker that is away.
private struct AbsentBroker: MessageBroker, RoomRelay {
    func append(
        event: EventID,
        payload: [UInt8],
        key: String,
        expectedLast: UInt64
    ) async throws(BrokerError) -> BrokerReceipt {
        throw .unavailable("away")
    }

    func last(event: EventID) async throws(BrokerError) -> BrokerItem? { throw .unavailable("away") }
    func item(at sequence: UInt64) async throws(BrokerError) -> BrokerItem? { throw .unavailable("away") }
    func next(event: EventID, from sequence: UInt64) async throws(BrokerError) -> BrokerItem? { nil }
    func announce(event: EventID, item: BrokerItem) {}
    func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void) {}
    func listen(losses handler: @escaping @Sendable () -> Void) {}
    func signal(_ signal: RoomSignal) {}
    func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void) {}
}

/// Stores with nothing in them.
private struct EmptyStores: MessageStore, HistoryStore {
    func append(_ messages: [ChatMessage]) async throws(StoreError) {}
    func position(event: EventID) async throws(StoreError) -> RoomPosition? { nil }
    func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] { [] }
    func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] { [] }
    func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage? { nil }
    func message(
        event: EventID,
        sender: UserID,
        clientID: ClientMessageID
    ) async throws(StoreError) -> ChatMessage? { nil }
    func append(_ entries: [HistoryEntry]) async throws(StoreError) {}
    func page(
        event: EventID,
        before cursor: (changedAt: Timestamp, changeID: ChangeID)?,
        limit: Int
    ) async throws(StoreError) -> [HistoryEntry] { [] }
}
