import Foundation
package import TimingleCore
package import TimingleNet

/// Runs `body` with a database of its own that holds the repository's migrations, and drops it afterwards.
package func withTestDatabase<Result: Sendable>(
    loops: Int = 2,
    isMigrated: Bool = true,
    configure: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresClient, EventLoopGroup) async throws -> Result
) async throws -> Result {
    guard let url = TestServices.databaseURL else { throw TestDatabaseError.urlMissing }
    return try await withEventLoopGroup(count: loops) { group in
        var administration = try PostgresConfiguration(url: url)
        administration.maxConnections = 1
        // Many suites make their databases at the same time, perhaps on a slow disk.
        administration.acquireTimeout = .seconds(60)
        administration.statementTimeout = .seconds(60)
        administration.queryTimeout = .seconds(70)
        let administrator = PostgresClient(configuration: administration, group: group, log: .silent)
        let name = "timingle_test_\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        do {
            try await administrator.query("CREATE DATABASE \(unsafe: name) TEMPLATE template0 ENCODING 'UTF8'")
            var configuration = try PostgresConfiguration(url: url)
            configuration.url["dbname"] = name
            // A server allows 100 connections by default, and suites run side by side.
            configuration.maxConnections = 4
            configuration.acquireTimeout = .seconds(10)
            configure(&configuration)
            let result = try await withTestClient(configuration, group: group) { client in
                if isMigrated { try await migrate(configuration, group: group) }
                return try await body(client, group)
            }
            try await administrator.query("DROP DATABASE IF EXISTS \(unsafe: name) WITH (FORCE)")
            await administrator.close()
            return result
        } catch {
            _ = try? await administrator.query("DROP DATABASE IF EXISTS \(unsafe: name) WITH (FORCE)")
            await administrator.close()
            throw error
        }
    }
}

/// Runs `body` with a client and closes it afterwards.
package func withTestClient<Result: Sendable>(
    _ configuration: PostgresConfiguration,
    group: EventLoopGroup,
    _ body: (PostgresClient) async throws -> Result
) async throws -> Result {
    let client = PostgresClient(configuration: configuration, group: group, log: .silent)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}

/// The directory that holds Package.swift, found by walking up from a source file.
package func packageRoot(from file: String = #filePath) -> String {
    var url = URL(fileURLWithPath: file).deletingLastPathComponent()
    while url.path != "/" {
        if FileManager.default.fileExists(atPath: url.appendingPathComponent("Package.swift").path) { return url.path }
        url.deleteLastPathComponent()
    }
    return FileManager.default.currentDirectoryPath
}

private func migrate(_ configuration: PostgresConfiguration, group: EventLoopGroup) async throws {
    let directory = packageRoot() + "/migrations"
    guard FileManager.default.fileExists(atPath: directory) else { return }
    let migrator = PostgresMigrator(configuration: configuration, directory: directory, group: group, log: .silent)
    try await migrator.up()
}

/// Why a test database could not be made.
package enum TestDatabaseError: Error {
    /// TIMINGLE_TEST_DATABASE_URL is not set, though the services are required.
    case urlMissing
}
