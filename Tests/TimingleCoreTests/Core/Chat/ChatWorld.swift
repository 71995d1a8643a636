import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// A hub and a chat service over memory twins.
struct ChatWorld: Sendable {
    let group: EventLoopGroup
    let broker = MemoryBroker()
    let store = MemoryMessageStore()
    let rooms = MemoryRooms()
    let audience = MemoryAudience()
    let clock = ManualWallClock()
    let hub: Hub
    let service: ChatService
    let event = EventID(rawValue: 77)
    let minsu = Requester(userID: UserID(rawValue: 1), name: "민수", profileImageURL: "https://example.com/m.png")
    let jiwoo = Requester(userID: UserID(rawValue: 2), name: "지우", language: .english)

    private init(group: EventLoopGroup, limits: HubLimits) {
        self.group = group
        self.hub = Hub(
            group: group,
            audience: self.audience,
            broker: self.broker,
            relay: self.broker,
            messages: self.store,
            marks: self.rooms,
            clock: self.clock,
            limits: limits,
            log: .silent
        )
        self.service = ChatService(
            rooms: self.hub,
            access: self.rooms,
            messages: self.store,
            marks: self.rooms,
            clock: self.clock
        )
        self.rooms.set(self.event, self.minsu.userID, .creator)
        self.rooms.set(self.event, self.jiwoo.userID, .participant(.accepted))
    }

    /// Another process over the same broker and stores.
    func process(relay: any RoomRelay) -> ChatProcess {
        let audience = MemoryAudience()
        let hub = Hub(
            group: self.group,
            audience: audience,
            broker: self.broker,
            relay: relay,
            messages: self.store,
            marks: self.rooms,
            clock: self.clock,
            limits: self.hub.limits,
            log: .silent
        )
        let service = ChatService(
            rooms: hub,
            access: self.rooms,
            messages: self.store,
            marks: self.rooms,
            clock: self.clock
        )
        return ChatProcess(audience: audience, hub: hub, service: service)
    }

    static func with(
        loops: Int = 2,
        limits: HubLimits = HubLimits(),
        _ body: (ChatWorld) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: loops) { group in
            try await body(ChatWorld(group: group, limits: limits))
        }
    }

    func draft(_ text: String, client: UInt64? = nil, event: EventID? = nil) -> RoomDraft {
        RoomDraft(
            eventID: event ?? self.event,
            senderID: self.minsu.userID,
            senderName: self.minsu.name,
            text: text,
            clientID: client.map { ClientMessageID(rawValue: Identifier128(high: 1, low: $0)) }
        )
    }

    /// The `seq` of each item of a page that Jiwoo reads.
    func page(before: MessageCursor? = nil, after: MessageCursor? = nil, limit: Int) async throws -> [Int64] {
        try await self.service.page(event: self.event, before: before, after: after, limit: limit, by: self.jiwoo)
            .map(\.seq)
    }

    /// The service's error, or nil.
    func error<Value>(_ body: () async throws(ServiceError) -> Value) async -> ServiceError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    /// Opens a session on a loop and waits until it is in.
    func open(
        _ requester: Requester,
        since: MessageID? = nil,
        loop index: Int = 0,
        in process: ChatProcess? = nil
    ) async throws -> OpenSession {
        let process = process ?? ChatProcess(audience: self.audience, hub: self.hub, service: self.service)
        let loop = self.group.loops[index]
        let peer = MemoryPeer(loop: loop, audience: process.audience)
        let session = try await loop.enter {
            let session = ChatSession(
                event: self.event,
                requester: requester,
                since: since,
                service: process.service,
                hub: process.hub
            )
            session.begin(peer)
            return LoopBound(session, on: loop)
        }
        _ = await eventually { peer.isIn }
        return OpenSession(peer: peer, session: session)
    }
}

/// The hub of one process.
struct ChatProcess: Sendable {
    let audience: MemoryAudience
    let hub: Hub
    let service: ChatService
}

/// A session with its peer.
struct OpenSession: Sendable {
    let peer: MemoryPeer
    let session: LoopBound<ChatSession>

    func send(_ frame: String) {
        let session = self.session
        session.loop.execute { session.value.received(Array(frame.utf8).span) }
    }

    func end() async throws {
        let session = self.session
        try await session.loop.enter { session.value.end() }
    }

    /// The `seq` of each chat message that arrived.
    var seqs: [Int64] {
        self.peer.frames.compactMap { frame in
            guard case .object(let fields)? = try? JSONReader.parse(Array(frame.utf8)) else { return nil }
            return fields["seq"]?.integerValue
        }
    }

    /// The codes of the error frames that arrived.
    var errorCodes: [String] {
        self.peer.frames.compactMap { frame in
            guard case .object(let fields)? = try? JSONReader.parse(Array(frame.utf8)),
                case .object(let data)? = fields["data"], case .string(let code)? = data["code"]
            else { return nil }
            return code
        }
    }
}
