import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

/// Runs `body` with a client of its own, and with a keyspace that is dropped afterwards.
func withCQLClient<Result: Sendable>(
    hosts: [String]? = nil,
    loops: Int = 2,
    replicas: Int = 1,
    _ configure: (inout CQLConfiguration) -> Void = { _ in },
    _ body: @escaping (CQLClient, String) async throws -> Result
) async throws -> Result {
    var configuration = CQLConfiguration(hosts: hosts ?? [TestCassandra.address ?? "127.0.0.1:1"])
    configure(&configuration)
    let settings = configuration
    let keyspace = "timingle_\(UInt32.random(in: 0 ... .max))"
    return try await withEventLoopGroup(count: loops) { group in
        let client = CQLClient(configuration: settings, group: group, log: .silent)
        do {
            var create = CQLStatement(
                unsafe: """
                    CREATE KEYSPACE \(keyspace) WITH replication = {'class': 'NetworkTopologyStrategy',
                    'replication_factor': \(replicas)}
                    """
            )
            create.timeout = .seconds(60)
            try await client.execute(create)
            try await client.awaitSchemaAgreement()
            let result = try await body(client, keyspace)
            try await drop(keyspace, client)
            await client.close()
            return result
        } catch {
            try? await drop(keyspace, client)
            await client.close()
            throw error
        }
    }
}

private func drop(_ keyspace: String, _ client: CQLClient) async throws {
    var drop = CQLStatement(unsafe: "DROP KEYSPACE IF EXISTS \(keyspace)")
    drop.timeout = .seconds(30)
    try await client.execute(drop)
}
