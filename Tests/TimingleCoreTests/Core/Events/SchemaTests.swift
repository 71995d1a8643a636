import Foundation
import Testing
import TimingleTestSupport

@testable import TimingleCore

/// What the database refuses and computes whoever writes to it.
@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct SchemaTests {
    private static func prepare(_ client: PostgresClient) async throws {
        try await client.query("INSERT INTO users (id, phone, name) VALUES (1, '+821012345678', '미나')")
        try await client.query("INSERT INTO users (id, phone) VALUES (2, '+821087654321')")
        try await client.query(
            "INSERT INTO events (id, title, start_time, end_time, creator_id) VALUES (1, 'a', now(), now(), 1)"
        )
    }

    @Test func whatMustNotBeIsRefused() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            let refused: [(PostgresStatement, String)] = [
                ("INSERT INTO users (id, phone) VALUES (3, '+821012345678')", "users_phone_key"),
                ("UPDATE users SET role = 'KING'", "users_role_check"),
                ("UPDATE users SET status = 'GONE'", "users_status_check"),
                ("UPDATE users SET interests = ARRAY['a', NULL]", "users_interests_check"),
                ("UPDATE events SET end_time = start_time - interval '1 ms'", "events_time_check"),
                ("UPDATE events SET status = 'MAYBE'", "events_status_check"),
                ("UPDATE events SET title = ''", "events_title_check"),
                ("UPDATE events SET description = repeat('가', 5001)", "events_description_check"),
                (
                    "INSERT INTO event_participants (event_id, user_id, status, responded_at) VALUES (1, 2, 'NO', now())",
                    "event_participants_status_check"
                ),
                (
                    "INSERT INTO event_participants (event_id, user_id, status) VALUES (1, 2, 'ACCEPTED')",
                    "event_participants_responded_check"
                ),
                (
                    "INSERT INTO event_participants (event_id, user_id, invite_method) VALUES (1, 2, 'FAX')",
                    "event_participants_method_check"
                ),
                (
                    "INSERT INTO event_participants (event_id, user_id) VALUES (1, 99)",
                    "event_participants_user_id_fkey"
                ),
                ("DELETE FROM users WHERE id = 1", "events_creator_id_fkey"),
                (
                    "INSERT INTO event_rooms VALUES (1, 3, 4, now())",
                    "event_rooms_ordinal_check"
                ),
            ]
            for (statement, constraint) in refused {
                do throws(PostgresError) {
                    try await client.query(statement)
                    Issue.record("accepted: \(statement.text)")
                } catch {
                    #expect(error.constraint == constraint, "\(statement.text): \(error)")
                }
            }
        }
    }

    @Test func confirmedFollowsTheStatus() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            try await client.query("INSERT INTO event_participants (event_id, user_id) VALUES (1, 2)")
            func row() async throws -> (Bool, Bool) {
                let row = try await client.query(
                    "SELECT confirmed, confirmed_at IS NOT NULL AND confirmed_at = responded_at FROM event_participants"
                )[0]
                return (try row.decode(at: 0), try row.decode(at: 1))
            }
            for (status, isConfirmed) in [("PENDING", false), ("ACCEPTED", true), ("DECLINED", false)] {
                try await client.query(
                    """
                    UPDATE event_participants SET status = \(status),
                        responded_at = CASE WHEN \(status) = 'PENDING' THEN NULL ELSE now() END
                    """
                )
                let (confirmed, hasTime) = try await row()
                #expect(confirmed == isConfirmed && hasTime == isConfirmed, "\(status)")
            }
        }
    }

    @Test func invitationsCarryTheirEventsStartWhoeverWrites() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            func expectRight() async throws {
                let result = try await client.query(
                    """
                    SELECT count(*) = 1 AND bool_and(p.event_start = e.start_time)
                    FROM event_participants p JOIN events e ON e.id = p.event_id
                    """
                )
                let isRight: Bool = try result[0].decode(at: 0)
                #expect(isRight)
            }
            try await client.query(
                "INSERT INTO event_participants (event_id, user_id, event_start) VALUES (1, 2, 'epoch')"
            )
            try await expectRight()
            try await client.query("UPDATE events SET start_time = '2026-01-01Z', end_time = '2026-01-02Z'")
            try await expectRight()
            try await client.query("UPDATE event_participants SET event_start = 'epoch'")
            try await expectRight()
        }
    }

    @Test func rowsChangedByHandAreStampedAndOurOwnTimeStands() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            let old = Timestamp(milliseconds: 1_000_000_000_123)
            try await client.query("UPDATE events SET title = 'b', updated_at = \(old)")
            let ours: Timestamp = try await client.query("SELECT updated_at FROM events")[0].decode(at: 0)
            #expect(ours == old)
            try await client.query("UPDATE events SET title = 'c'")
            let stamped: Timestamp = try await client.query("SELECT updated_at FROM events")[0].decode(at: 0)
            #expect(stamped > old)
            let whole: Bool = try await client.query(
                "SELECT date_trunc('milliseconds', updated_at) = updated_at FROM events"
            )[0].decode(at: 0)
            #expect(whole)
        }
    }

    /// A database in which a change was told of twice before 0013.
    @Test func linesThatWereSaidTwiceStayAndOnlyTheFirstKeepsItsName() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            try await client.query("DROP INDEX chat_messages_change_key")
            try await client.query(
                """
                INSERT INTO chat_messages (
                    event_id, seq, ordinal, created_at, message_id, client_id, sender_id, sender_name, message,
                    message_type
                )
                SELECT 1, seq, 0, now(), gen_random_uuid(), client_id, sender_id, 'x', 'x', type
                FROM (VALUES
                    (1, '00000000-0000-7000-8000-000000000001'::uuid, NULL::bigint, 'system'),
                    (2, '00000000-0000-7000-8000-000000000002', NULL, 'system'),
                    (3, '00000000-0000-7000-8000-000000000001', NULL, 'system'),
                    (4, '00000000-0000-7000-8000-000000000001', 1, 'text'),
                    (5, NULL, NULL, 'system'),
                    (6, '00000000-0000-7000-8000-000000000001', NULL, 'system')
                ) AS line (seq, client_id, sender_id, type)
                """
            )
            let path = packageRoot() + "/migrations/0013_say_each_change_once.sql"
            let script = try String(contentsOfFile: path, encoding: .utf8)
            for statement in MigrationScript.statements(of: script) {
                try await client.query(PostgresStatement(unsafe: statement))
            }
            let rows = try await client.query("SELECT seq FROM chat_messages WHERE client_id IS NOT NULL ORDER BY seq")
            let named = try rows.map { try $0.decode(at: 0, as: Int64.self) }
            #expect(named == [1, 2, 4])
            let count: Int64 = try await client.query("SELECT count(*) FROM chat_messages")[0].decode(at: 0)
            #expect(count == 6)
        }
    }

    /// Plans are taken with sequential scans made expensive: whether an index *can* serve is the question here.
    @Test func theQueriesThatGrowAreServedByIndexes() async throws {
        try await withTestDatabase { client, _ in
            try await Self.prepare(client)
            let plans: [(String, String)] = [
                (
                    "SELECT id FROM events WHERE creator_id = 1 ORDER BY start_time DESC, id DESC LIMIT 20",
                    "events_creator_keyset_idx"
                ),
                (
                    """
                    SELECT event_id FROM event_participants WHERE user_id = 1 AND status <> 'DECLINED'
                    ORDER BY event_start DESC, event_id DESC LIMIT 20
                    """,
                    "event_participants_user_keyset_idx"
                ),
                (
                    """
                    SELECT * FROM event_history WHERE event_id = 1
                    AND (changed_at, change_id) < (now(), '00000000-0000-7000-8000-000000000000'::uuid)
                    ORDER BY changed_at DESC, change_id DESC LIMIT 100
                    """,
                    "event_history_event_keyset_idx"
                ),
                (
                    "SELECT * FROM chat_messages WHERE event_id = 1 AND seq < 9 ORDER BY seq DESC LIMIT 50",
                    "chat_messages_pkey"
                ),
                (
                    """
                    SELECT * FROM chat_messages WHERE event_id = 1
                    AND client_id = '00000000-0000-7000-8000-000000000000' AND sender_id IS NULL
                    """,
                    "chat_messages_change_key"
                ),
                (
                    "SELECT id FROM event_outbox WHERE published_at IS NULL AND error IS NULL ORDER BY id LIMIT 9",
                    "event_outbox_waiting_idx"
                ),
            ]
            for (query, index) in plans {
                let plan = try await client.withTransaction { transaction in
                    try await transaction.query("SET LOCAL enable_seqscan = off")
                    try await transaction.query("SET LOCAL enable_bitmapscan = off")
                    let rows = try await transaction.query("EXPLAIN \(unsafe: query)")
                    return try rows.map { try $0.decode(at: 0, as: String.self) }.joined(separator: "\n")
                }
                #expect(plan.contains(index) && !plan.contains("Sort"), "\(plan)")
            }
        }
    }
}
