import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// The server stalls, refuses, dies; the client says so in time and heals.
@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresFailureTests {
    private func error(_ body: () async throws -> Void) async -> PostgresError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? PostgresError
        }
    }

    @Test func aQueryThatTakesTooLongCostsItsConnectionOnly() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: {
                $0.maxConnections = 1
                $0.statementTimeout = nil
                $0.queryTimeout = .seconds(1)
            },
            { client, _ in
                let before = try await client.query("SELECT pg_backend_pid()").first?.decode(at: 0, as: Int.self)
                let failure = await self.error { try await client.query("SELECT pg_sleep(30)") }
                #expect(failure?.code == .queryTimeout)
                #expect(failure?.isOutcomeUnknown == true)
                let after = try await client.query("SELECT pg_backend_pid()").first?.decode(at: 0, as: Int.self)
                #expect(before != after)
            }
        )
    }

    @Test func theServersOwnTimeoutKeepsTheConnection() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: { $0.statementTimeout = .milliseconds(500) },
            { client, _ in
                let failure = await self.error { try await client.query("SELECT pg_sleep(30)") }
                #expect(failure?.isStatementTimeout == true)
                #expect(failure?.isTransient == true)
                try await client.ping()
            }
        )
    }

    @Test func killedConnectionsAreReplaced() async throws {
        try await withTestDatabase(isMigrated: false, configure: { $0.maxConnections = 4 }) { client, group in
            for _ in 0..<3 {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for loop in group.loops {
                        tasks.addTask(executorPreference: loop) { try await client.query("SELECT pg_sleep(0.01)") }
                    }
                    try await tasks.waitForAll()
                }
                let failure = await self.error {
                    try await client.query(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() ORDER BY pid = pg_backend_pid()
                        """
                    )
                }
                // Its own backend is among the killed; the answer may or may not have come first.
                if let failure { #expect(failure.isTransient) }
                // An idle connection's end may be found by the next query; one after it must succeed.
                _ = await self.error { try await client.ping() }
                _ = await self.error { try await client.ping() }
                try await client.ping()
            }
        }
    }

    @Test func aTransactionWhoseConnectionDiesFailsAndTheNextWorks() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query("CREATE TABLE facts (n bigint)")
            let failure = await self.error {
                try await client.withTransaction { transaction in
                    let row = try await transaction.query("SELECT pg_backend_pid()").first
                    let pid = try row?.decode(at: 0, as: Int.self) ?? 0
                    try await transaction.query("INSERT INTO facts VALUES (1)")
                    try await client.withSession { session in
                        _ = try await session.query("SELECT pg_terminate_backend(\(pid)::int)")
                    }
                    try await transaction.query("INSERT INTO facts VALUES (2)")
                }
            }
            #expect(failure?.isTransient == true)
            let rows = try await client.query("SELECT count(*) FROM facts")
            #expect(try rows.first?.decode(at: 0, as: Int.self) == 0)
        }
    }

    @Test func aCommitWithoutAnswerIsUnknown() async throws {
        try await withTestDatabase(
            isMigrated: false,
            configure: {
                $0.statementTimeout = nil
                $0.queryTimeout = .seconds(2)
            },
            { client, _ in
                // A deferred trigger that sleeps makes COMMIT slower than our deadline.
                try await client.withSession { session in
                    try await session.execute(
                        script: """
                            CREATE TABLE slow (n bigint);
                            CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS
                                $$ BEGIN PERFORM pg_sleep(5); RETURN NULL; END $$;
                            CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
                                FOR EACH ROW EXECUTE FUNCTION doze();
                            """
                    )
                }
                let failure = await self.error {
                    try await client.withTransaction { transaction in
                        _ = try await transaction.query("INSERT INTO slow VALUES (1)")
                    }
                }
                #expect(failure?.code == .commitUnknown)
            }
        )
    }

    @Test func aCommitThatTheServerRefusesIsNotUnknown() async throws {
        try await withTestDatabase(isMigrated: false) { client, _ in
            try await client.query("CREATE TABLE late (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            let failure = await self.error {
                try await client.withTransaction { transaction in
                    _ = try await transaction.query("INSERT INTO late VALUES (1), (1)")
                }
            }
            #expect(failure?.isUniqueViolation == true)
            try await client.ping()
        }
    }

    @Test func whoWaitsTooLongForAConnectionIsTold() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: {
                $0.maxConnections = 1
                $0.acquireTimeout = .seconds(2)
            },
            { client, _ in
                try await client.withSession { _ in
                    let failure = await self.error { try await client.ping() }
                    #expect(failure?.code == .acquireTimeout)
                }
                try await client.ping()
            }
        )
    }

    @Test func aCancelledTaskLeavesTheQueue() async throws {
        try await withTestDatabase(
            loops: 1,
            isMigrated: false,
            configure: {
                $0.maxConnections = 1
                $0.acquireTimeout = .seconds(60)
            },
            { client, _ in
                try await client.withSession { _ in
                    let waiting = Task { () -> PostgresError? in await self.error { try await client.ping() } }
                    await Task.yield()
                    waiting.cancel()
                    let failure = await waiting.value
                    #expect(failure?.code == .cancelled)
                }
                try await client.ping()
            }
        )
    }

    @Test func aServerThatIsNotThereIsReportedAndRefusedFast() async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = try PostgresConfiguration(url: "postgres://nobody:secret@127.0.0.1:1/none")
            configuration.reconnectBackoffBase = .milliseconds(5)
            try await withTestClient(configuration, group: group) { client in
                #expect(client.isHealthy)
                let failure = await self.error { try await client.ping() }
                #expect(failure?.code == .connectionFailed)
                #expect(failure?.isTransient == true)
                #expect(failure.map { "\($0)".contains("secret") } == false)
                #expect(!client.isHealthy)
                let unresolved = await self.error {
                    // Too long for a label, so that no name server is asked (RFC 1035 section 2.3.4).
                    let label = String(repeating: "a", count: 64)
                    let named = try PostgresConfiguration(url: "postgres://nobody@\(label).invalid/none")
                    try await withTestClient(named, group: group) { try await $0.ping() }
                }
                #expect(unresolved?.code == .connectionFailed)
            }
        }
    }

    @Test func aWrongPasswordIsAConnectFailureWithoutThePassword() async throws {
        guard let url = TestServices.databaseURL else { return }
        try await withEventLoopGroup(count: 1) { group in
            var configuration = try PostgresConfiguration(url: url)
            guard configuration.url["password"] != nil else { return }
            configuration.url["password"] = "not-the-password"
            configuration.failuresBeforeRefusing = 1
            configuration.acquireTimeout = .seconds(30)
            try await withTestClient(configuration, group: group) { client in
                let failure = await self.error { try await client.ping() }
                // A server that trusts loopback lets anybody in.
                guard let failure else { return }
                #expect(failure.code == .connectionFailed)
                #expect(!"\(failure)".contains("not-the-password"))
            }
        }
    }

    @Test func closeWaitsForWhatRunsAndRefusesTheRest() async throws {
        try await withTestDatabase(loops: 1, isMigrated: false, configure: { $0.maxConnections = 1 }) { client, _ in
            try await client.ping()
            let hasBegun = Locked(false)
            async let running = client.withSession { session in
                hasBegun.withLock { $0 = true }
                return try await session.query("SELECT pg_sleep(0.2)")
            }
            try await waitUntil { hasBegun.withLock { $0 } }
            await client.close()
            let rows = try await running
            #expect(rows.rowCount == 1)
            let failure = await self.error { try await client.ping() }
            #expect(failure?.code == .closed)
        }
    }
}
