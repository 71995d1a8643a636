import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

/// Three nodes, three copies, QUORUM: one node may be lost without anybody noticing.
///
/// `make cql-faults` starts the nodes.
@Suite(
    .serialized,
    .enabled(if: TestCassandra.hasCluster, "needs three Cassandra nodes of its own: make cql-faults"),
    .timeLimit(.minutes(20))
)
struct CQLClusterFaultTests {
    /// What clients saw during a fault.
    struct Tally: Sendable {
        var written: Set<Int> = []
        var errors: [String] = []
        var slowest: Duration = .zero
    }

    private func withCluster(
        _ body: @escaping (CQLClient, String) async throws -> Void
    ) async throws {
        try await withCQLClient(hosts: try await TestCassandra.clusterAddresses(), replicas: 3) {
            $0.consistency = .quorum
            $0.requestTimeout = .seconds(12)
            $0.heartbeatInterval = .seconds(2)
            $0.heartbeatTimeout = .seconds(1)
            $0.attemptTimeout = .seconds(2)
        } _: { client, keyspace in
            try await client.execute(
                CQLStatement(unsafe: "CREATE TABLE \(keyspace).notes (room bigint, seq int, PRIMARY KEY (room, seq))")
            )
            try await client.awaitSchemaAgreement()
            try await body(client, keyspace)
        }
    }

    /// Runs writers and readers while `fault` happens.
    private func underLoad(
        _ client: CQLClient,
        _ keyspace: String,
        _ fault: () async throws -> Void
    ) async throws -> Tally {
        let tally = Locked(Tally())
        let isOver = Locked(false)
        let load = Task {
            await withTaskGroup(of: Void.self) { tasks in
                for worker in 0..<16 {
                    tasks.addTask {
                        var seq = worker
                        while !isOver.withLock({ $0 }) {
                            let insert: CQLStatement =
                                "INSERT INTO \(unsafe: keyspace).notes (room, seq) VALUES (\(seq % 50), \(seq))"
                            let query: CQLStatement =
                                "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(seq % 50) AND seq = \(seq)"
                            let begun = ContinuousClock.now
                            do throws(CQLError) {
                                try await client.execute(insert.idempotent)
                                let rows = try await client.execute(query)
                                tally.withLock {
                                    $0.written.insert(seq)
                                    $0.slowest = max($0.slowest, ContinuousClock.now - begun)
                                    if rows.count != 1 { $0.errors.append("\(seq) was written and not read") }
                                }
                            } catch {
                                tally.withLock { $0.errors.append(error.description) }
                            }
                            seq += 16
                            // Three nodes and their client share the machine: a load, not a benchmark.
                            try? await Task.sleep(for: .milliseconds(30))
                        }
                    }
                }
            }
        }
        do {
            try await Task.sleep(for: .seconds(2))
            try await fault()
        } catch {
            isOver.withLock { $0 = true }
            await load.value
            throw error
        }
        isOver.withLock { $0 = true }
        await load.value
        return tally.withLock { $0 }
    }

    private func expectAllThere(_ tally: Tally, _ client: CQLClient, _ keyspace: String) async throws {
        var there: Set<Int> = []
        for room in 0..<50 {
            let query: CQLStatement = "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(room)"
            for try await page in client.pages(query) { for row in page { there.insert(try row.decode("seq")) } }
        }
        #expect(tally.written.subtracting(there).isEmpty)
        #expect(tally.written.count > 100)
    }

    /// Waits until every loop has a connection to every node again.
    private func expectReturn(_ client: CQLClient, within limit: Duration) async throws {
        let begun = ContinuousClock.now
        while await client.openConnectionCounts().contains(where: { $0 < 3 }) {
            guard ContinuousClock.now - begun < limit else {
                Issue.record("after \(limit) the client has not returned to the node")
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    @Test func aKilledNodeIsNotNoticedAndTheClientReturnsToIt() async throws {
        try await self.withCluster { client, keyspace in
            let tally = try await self.underLoad(client, keyspace) {
                try await TestCassandra.tell("kill", node: 2)
                try await Task.sleep(for: .seconds(10))
                try await TestCassandra.tell("revive", node: 2)
                try await self.expectReturn(client, within: .seconds(180))
                try await Task.sleep(for: .seconds(3))
            }
            #expect(tally.errors == [])
            try await self.expectAllThere(tally, client, keyspace)
            print("killed: \(tally.written.count) written and read, the slowest in \(tally.slowest)")
        }
    }

    /// The kernel still acknowledges, nobody answers.
    @Test func aPausedNodeIsFoundAndLeftAlone() async throws {
        try await self.withCluster { client, keyspace in
            let tally = try await self.underLoad(client, keyspace) {
                try await TestCassandra.tell("pause", node: 3)
                try await Task.sleep(for: .seconds(12))
                try await TestCassandra.tell("resume", node: 3)
                try await self.expectReturn(client, within: .seconds(180))
                try await Task.sleep(for: .seconds(2))
            }
            #expect(tally.errors == [])
            try await self.expectAllThere(tally, client, keyspace)
            print("paused: \(tally.written.count) written and read, the slowest in \(tally.slowest)")
        }
    }

    @Test func theNodeOfTheControlConnectionMayBeLost() async throws {
        try await self.withCluster { client, keyspace in
            // Whichever it is: one after the other.
            for node in 1...3 {
                try await TestCassandra.tell("kill", node: node)
                try await Task.sleep(for: .seconds(2))
                let query: CQLStatement = "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(1)"
                try await client.execute(query)
                try await TestCassandra.tell("revive", node: node)
                try await self.expectReturn(client, within: .seconds(180))
                // The others must have seen it as well, or the next kill loses the quorum.
                try await Task.sleep(for: .seconds(8))
            }
        }
    }

    @Test func withAllNodesDownRequestsFailSoonAndAllReturn() async throws {
        try await self.withCluster { client, keyspace in
            let query: CQLStatement = "SELECT seq FROM \(unsafe: keyspace).notes WHERE room = \(1)"
            for node in 1...3 { try await TestCassandra.tell("kill", node: node) }
            try await Task.sleep(for: .seconds(3))
            let begun = ContinuousClock.now
            do throws(CQLError) {
                try await client.execute(query)
                Issue.record("nobody is there, and it answered")
            } catch {
                #expect(error.code == .notConnected)
                #expect(ContinuousClock.now - begun < .seconds(4))
            }
            for node in 1...3 { try await TestCassandra.tell("revive", node: node) }
            try await self.expectReturn(client, within: .seconds(240))
            try await Task.sleep(for: .seconds(10))
            try await client.execute(query)
        }
    }
}
