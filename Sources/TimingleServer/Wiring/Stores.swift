internal import TimingleCore
internal import TimingleNet

/// The clients of PostgreSQL, Redis and, where it is named, Cassandra or ScyllaDB, and what keeps things in them.
struct Stores: Sendable {
    let postgres: PostgresClient
    let redis: RedisClient
    let users: PostgresUserRepository
    let events: PostgresEventRepository
    /// In Cassandra where it is named, else in PostgreSQL; so is the history.
    let messages: any MessageStore
    let history: any HistoryStore
    let outbox: PostgresOutboxRepository
    let marks: any RoomMarkStore
    /// Nil: chat and history are in PostgreSQL.
    let cql: CQLStores?
    /// Copies unread counts to where other programs can read them.
    let unreadReconciler: UnreadReconciler?
    let tokens: RedisTokenRepository
    let tickets: RedisTicketRepository
    let codes: RedisOTPRepository
    let limiter: RedisRateLimiter

    init(configuration: ServerConfiguration, group: EventLoopGroup, log: Log) throws {
        let postgres = PostgresClient(configuration: try configuration.postgresConfiguration(), group: group, log: log)
        let redis = RedisClient(configuration: try configuration.redisConfiguration(), group: group, log: log)
        self.postgres = postgres
        self.redis = redis
        self.users = PostgresUserRepository(client: postgres)
        self.events = PostgresEventRepository(client: postgres)
        let marks = PostgresRoomMarkRepository(client: postgres)
        self.outbox = PostgresOutboxRepository(client: postgres)
        if let settings = configuration.cqlStores {
            let cql = try CQLStores(settings: settings, group: group, log: log)
            let reconciler = UnreadReconciler(source: marks, view: cql.unreadCounts, log: log)
            self.cql = cql
            self.messages = cql.messages
            self.history = cql.history
            self.marks = ReconciledRoomMarks(marks: marks, reconciler: reconciler)
            self.unreadReconciler = reconciler
        } else {
            self.cql = nil
            self.messages = PostgresMessageRepository(client: postgres)
            self.history = PostgresHistoryRepository(client: postgres)
            self.marks = marks
            self.unreadReconciler = nil
        }
        self.tokens = RedisTokenRepository(
            client: redis,
            policy: RefreshTokenPolicy(lifetime: configuration.refreshTokenLife)
        )
        self.tickets = RedisTicketRepository(client: redis)
        self.codes = RedisOTPRepository(client: redis)
        self.limiter = RedisRateLimiter(client: redis)
    }

    func start() { self.unreadReconciler?.start() }

    func close() async {
        await self.unreadReconciler?.stop()
        await self.cql?.close()
        await self.redis.close()
        await self.postgres.close()
    }
}
