package import TimingleCore

/// Remembers whom a service put out of which room and how often it told the relay.
package final class EventEffects: OutboxPoke, RoomEvictor {
    package struct Eviction: Sendable, Equatable {
        package let event: EventID
        package let user: UserID

        package init(event: EventID, user: UserID) {
            self.event = event
            self.user = user
        }
    }

    private let state = Locked((pokes: 0, evictions: [Eviction]()))

    package init() {}

    package var pokes: Int { self.state.withLock { $0.pokes } }
    package var evictions: [Eviction] { self.state.withLock { $0.evictions } }

    package func changeCommitted() { self.state.withLock { $0.pokes += 1 } }

    package func evict(event: EventID, user: UserID) {
        self.state.withLock { $0.evictions.append(Eviction(event: event, user: user)) }
    }
}

/// An event service over a store in memory or in PostgreSQL, with what a test needs to look behind it.
package struct EventWorld: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case memory
        case postgres
    }

    package let service: EventService
    package let store: any EventStore & RoomMarkStore
    package let clock: ManualWallClock
    package let effects: EventEffects
    /// Nil in memory.
    package let client: PostgresClient?
    private let addPerson: @Sendable (String) async throws -> UserID
    private let committed: @Sendable () async throws -> [EventChange]

    /// Memory always, PostgreSQL where there is one.
    package static var kinds: [Kind] { TestServices.hasDatabase ? Kind.allCases : [.memory] }

    package static func with<Result: Sendable>(
        _ kind: Kind,
        configuration: EventServiceConfiguration = EventServiceConfiguration(),
        _ body: (EventWorld) async throws -> Result
    ) async throws -> Result {
        switch kind {
        case .memory:
            let store = MemoryEventStore()
            return try await body(
                EventWorld(store: store, configuration: configuration, client: nil) { name in
                    store.addPerson(named: name)
                } committed: {
                    store.changes
                }
            )
        case .postgres:
            return try await withTestDatabase { client, _ in
                try await body(EventWorld(client, configuration: configuration))
            }
        }
    }

    package init(_ client: PostgresClient, configuration: EventServiceConfiguration = EventServiceConfiguration()) {
        self.init(store: PostgresEventStores(client: client), configuration: configuration, client: client) { name in
            let phone = "+8210\(UInt32.random(in: 10_000_000...99_999_999))\(UInt32.random(in: 0...9_999))"
            let result = try await client.query(
                "INSERT INTO users (phone, name) VALUES (\(phone), \(name)) RETURNING id"
            )
            return try result[0].decode(at: 0)
        } committed: {
            let rows = try await client.query("SELECT payload FROM event_outbox ORDER BY id")
            return try rows.map { row in
                let payload = try row.decode(at: 0, as: PostgresJSON.self)
                return try EventChange(json: [UInt8](payload.text.utf8))
            }
        }
    }

    private init(
        store: any EventStore & RoomMarkStore,
        configuration: EventServiceConfiguration,
        client: PostgresClient?,
        addPerson: @escaping @Sendable (String) async throws -> UserID,
        committed: @escaping @Sendable () async throws -> [EventChange]
    ) {
        let clock = ManualWallClock()
        let effects = EventEffects()
        self.clock = clock
        self.effects = effects
        self.store = store
        self.client = client
        self.addPerson = addPerson
        self.committed = committed
        self.service = EventService(
            store: store,
            clock: clock,
            outbox: effects,
            rooms: effects,
            configuration: configuration
        )
    }

    /// A new active user.
    package func person(_ name: String) async throws -> Requester {
        Requester(
            userID: try await self.addPerson(name),
            name: name,
            ipAddress: "192.0.2.7",
            userAgent: "timingle/1.0"
        )
    }

    /// Everything in the outbox, oldest first.
    package func changes() async throws -> [EventChange] { try await self.committed() }

    /// How many there are, without reading them.
    package func changeCount() async throws -> Int {
        guard let client = self.client else { return try await self.committed().count }
        return try await client.query("SELECT count(*) FROM event_outbox")[0].decode(at: 0)
    }
}

/// The two PostgreSQL repositories that the memory store is one twin of.
package struct PostgresEventStores: EventStore, RoomMarkStore {
    private let events: PostgresEventRepository
    private let marks: PostgresRoomMarkRepository

    package init(client: PostgresClient) {
        self.events = PostgresEventRepository(client: client)
        self.marks = PostgresRoomMarkRepository(client: client)
    }

    package func access(event: EventID, user: UserID) async throws(StoreError) -> EventAccess? {
        try await self.events.access(event: event, user: user)
    }

    package func create(
        _ event: NewEvent,
        at time: Timestamp,
        change: @Sendable (EventID) -> EventChange
    ) async throws(StoreError) -> EventDetails {
        try await self.events.create(event, at: time, change: change)
    }

    package func view(event: EventID, user: UserID) async throws(StoreError) -> EventView? {
        try await self.events.view(event: event, user: user)
    }

    package func list(
        user: UserID,
        query: EventListQuery
    ) async throws(StoreError) -> (events: [EventDetails], total: Int64) {
        try await self.events.list(user: user, query: query)
    }

    package func change(
        event: EventID,
        user: UserID,
        _ decide: @Sendable (EventSnapshot) -> Result<EventDecision, ServiceError>
    ) async throws(StoreError) -> EventChangeOutcome {
        try await self.events.change(event: event, user: user, decide)
    }

    package func invitees(
        _ ids: [UserID],
        host: UserID,
        acquaintedOnly: Bool
    ) async throws(StoreError) -> [Participant] {
        try await self.events.invitees(ids, host: host, acquaintedOnly: acquaintedOnly)
    }

    package func advanceRooms(
        _ positions: [EventID: RoomPosition],
        readBy marks: [ReadMark]
    ) async throws(StoreError) {
        try await self.marks.advanceRooms(positions, readBy: marks)
    }

    package func markRead(_ marks: [ReadMark]) async throws(StoreError) -> [ReadMark] {
        try await self.marks.markRead(marks)
    }

    package func markRead(
        event: EventID,
        user: UserID,
        seq: Int64,
        ordinal: Int64
    ) async throws(StoreError) {
        try await self.marks.markRead(event: event, user: user, seq: seq, ordinal: ordinal)
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        try await self.marks.position(event: event)
    }
}
