internal import TimingleCore
internal import TimingleNet

/// The clients of PostgreSQL and Redis, and what keeps things in them.
struct Stores: Sendable {
    let postgres: PostgresClient
    let redis: RedisClient
    let users: PostgresUserRepository
    let events: PostgresEventRepository
    let messages: PostgresMessageRepository
    let history: PostgresHistoryRepository
    let outbox: PostgresOutboxRepository
    let marks: PostgresRoomMarkRepository
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
        self.messages = PostgresMessageRepository(client: postgres)
        self.history = PostgresHistoryRepository(client: postgres)
        self.outbox = PostgresOutboxRepository(client: postgres)
        self.marks = PostgresRoomMarkRepository(client: postgres)
        self.tokens = RedisTokenRepository(
            client: redis,
            policy: RefreshTokenPolicy(lifetime: configuration.refreshTokenLife)
        )
        self.tickets = RedisTicketRepository(client: redis)
        self.codes = RedisOTPRepository(client: redis)
        self.limiter = RedisRateLimiter(client: redis)
    }

    func close() async {
        await self.redis.close()
        await self.postgres.close()
    }
}
