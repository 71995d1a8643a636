import Glibc

/// Where the real servers of integration tests are; `make test` starts them and sets the variables.
package enum TestServices {
    package static let databaseURL = value("TIMINGLE_TEST_DATABASE_URL")
    package static let redisURL = value("TIMINGLE_TEST_REDIS_URL")
    package static let natsURL = value("TIMINGLE_TEST_NATS_URL")

    /// `host:port` of a Cassandra node; unlike the others it may be missing, and `make test` says so then.
    package static let cqlAddress = value("TIMINGLE_TEST_CQL")

    /// True when a missing server must fail the run instead of disabling its suites.
    package static let areRequired = value("TIMINGLE_TEST_REQUIRE_SERVICES") == "1"

    package static var hasDatabase: Bool { databaseURL != nil || areRequired }
    package static var hasRedis: Bool { redisURL != nil || areRequired }
    package static var hasNATS: Bool { natsURL != nil || areRequired }

    package static var hasCQL: Bool { cqlAddress != nil }

    private static func value(_ name: String) -> String? {
        guard let pointer = getenv(name) else { return nil }
        let text = String(cString: pointer)
        return text.isEmpty ? nil : text
    }
}
