package import TimingleNet

/// Where Cassandra or ScyllaDB is and how it is spoken to; the words of an operator, not of the driver.
///
/// Immutable.
package struct CQLStoreSettings: Sendable {
    package var hosts: [String]
    package var port: UInt16 = 9042
    package var keyspace = "timingle"
    /// How a keyspace that is not there yet is made.
    package var replication = Replication.simple(1)
    /// A level's name, such as `QUORUM`; checked where the environment is read.
    package var consistency = "QUORUM"
    package var username: String?
    package var password: String?
    package var localDatacenter: String?
    package var tls: TLSClientSettings?
    /// The name that the certificate of each node must have; nil: any, so that whom `tls` trusts has to be private.
    package var tlsName: String?
    package var connectTimeout: Duration = .seconds(10)
    package var requestTimeout: Duration = .seconds(5)
    /// Shared out among the loops, of which each has one at least.
    package var connectionsPerHost = 2

    package init(hosts: [String]) {
        self.hosts = hosts
    }

    /// How many copies of a row there are, and where.
    package enum Replication: Sendable, Equatable {
        /// So many in all, wherever.
        case simple(Int)
        /// So many in each datacenter.
        case datacenters([String: Int])

        /// Reads `3`, or `seoul:3,busan:2`; nil for anything else.
        package init?(_ text: String) {
            if let count = Self.count(text[...]) {
                self = .simple(count)
                return
            }
            var datacenters: [String: Int] = [:]
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let pair = part.split(separator: ":", omittingEmptySubsequences: false)
                guard pair.count == 2, let count = Self.count(pair[1]), Self.isName(pair[0]) else { return nil }
                guard datacenters.updateValue(count, forKey: String(pair[0])) == nil else { return nil }
            }
            self = .datacenters(datacenters)
        }

        private static func count(_ text: Substring) -> Int? {
            guard text.utf8.count == 1, let digit = text.utf8.first, (0x31...0x39).contains(digit) else { return nil }
            return Int(digit) - 0x30
        }

        private static func isName(_ text: Substring) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                    case UInt8(ascii: "."): true
                    default: false
                    }
                }
        }

        /// The map that CREATE KEYSPACE takes.
        var cql: String {
            switch self {
            case .simple(let count): "{'class': 'SimpleStrategy', 'replication_factor': \(count)}"
            case .datacenters(let counts):
                "{'class': 'NetworkTopologyStrategy'"
                    + counts.sorted { $0.key < $1.key }.map { ", '\($0.key)': \($0.value)" }.joined() + "}"
            }
        }

        /// False where one lost node loses rows.
        package var isRedundant: Bool {
            switch self {
            case .simple(let count): count > 1
            case .datacenters(let counts): counts.values.reduce(0, +) > 1
            }
        }
    }

    /// A name that needs no quotes in CQL and is the same with them.
    package static func isKeyspaceName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first), text.utf8.count <= 48 else { return false }
        return text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    /// True for the levels that can be configured; those of conditional updates are none of them.
    package static func isConsistency(_ name: String) -> Bool {
        ["ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"].contains(name.uppercased())
    }
}
