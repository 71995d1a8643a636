internal import Foundation
package import TimingleCore
package import TimingleNet

/// Runs `body` with the stores of a keyspace that holds the repository's migrations.
///
/// One keyspace for all tests of a process: making one takes seconds. So tests choose events and people of their own.
package func withTestStores<Result: Sendable>(
    loops: Int = 2,
    _ body: (CQLStores, EventLoopGroup) async throws -> Result
) async throws -> Result {
    let settings = try await TestKeyspace.shared.settings()
    return try await withEventLoopGroup(count: loops) { group in
        let stores = try CQLStores(settings: settings, group: group, log: .silent)
        do {
            let result = try await body(stores, group)
            await stores.close()
            return result
        } catch {
            await stores.close()
            throw error
        }
    }
}

/// A keyspace of this process on the node that TIMINGLE_TEST_CQL names.
package actor TestKeyspace {
    package static let shared = TestKeyspace()

    private var made: Task<CQLStoreSettings, any Error>?

    /// Makes and migrates the keyspace, once.
    package func settings() async throws -> CQLStoreSettings {
        if let made { return try await made.value }
        let task = Task { try await Self.make() }
        self.made = task
        return try await task.value
    }

    private static func make() async throws -> CQLStoreSettings {
        let settings = try Self.unmigrated()
        try await withEventLoopGroup(count: 1) { group in
            let directory = packageRoot() + "/migrations/cql"
            try await CQLMigrator(settings: settings, directory: directory, group: group, log: .silent).up()
        }
        return settings
    }

    /// Settings of a keyspace that does not exist.
    package static func unmigrated() throws -> CQLStoreSettings {
        guard let address = TestServices.cqlAddress, let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else { throw TestKeyspaceError.addressMissing }
        var settings = CQLStoreSettings(hosts: [String(address[..<colon])])
        settings.port = port
        settings.keyspace = "timingle_test_\(String(UInt32.random(in: 0 ... .max), radix: 36))"
        return settings
    }
}

/// Why there is no keyspace for a test.
package enum TestKeyspaceError: Error {
    /// TIMINGLE_TEST_CQL is no `host:port`.
    case addressMissing
}

extension EventID {
    /// An event that no other test uses.
    package static func unused() -> EventID { EventID(rawValue: .random(in: 1_000_000_000 ... .max / 2)) }
}

extension UserID {
    /// A person whom no other test uses.
    package static func unused() -> UserID { UserID(rawValue: .random(in: 1_000_000_000 ... .max / 2)) }
}
