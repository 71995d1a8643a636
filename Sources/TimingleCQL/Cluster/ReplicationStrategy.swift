/// How a keyspace spreads its copies.
///
/// A value.
enum ReplicationStrategy: Hashable, Sendable {
    /// So many nodes in ring order, wherever they stand.
    case simple(factor: Int)
    /// So many nodes in each data centre, on different racks as far as there are.
    case networkTopology(factors: [String: Int])
    /// Each node for itself: `system`.
    case local
    /// All nodes have everything: ScyllaDB's `EverywhereStrategy`.
    case everywhere
    /// Not one that we know; any node will have to do.
    case unknown

    /// Reads the map that `system_schema.keyspaces` has.
    init(_ replication: [String: String]) {
        let name = replication["class"].flatMap { $0.split(separator: ".").last.map(String.init) } ?? ""
        switch name {
        case "SimpleStrategy":
            self = .simple(factor: Self.factor(replication["replication_factor"]) ?? 1)
        case "NetworkTopologyStrategy":
            var factors: [String: Int] = [:]
            for (key, value) in replication where key != "class" {
                if let factor = Self.factor(value), factor > 0 { factors[key] = factor }
            }
            self = .networkTopology(factors: factors)
        case "LocalStrategy": self = .local
        case "EverywhereStrategy": self = .everywhere
        default: self = .unknown
        }
    }

    /// `3`, or `3/1` where one of three is transient.
    private static func factor(_ text: String?) -> Int? {
        guard let text else { return nil }
        return text.split(separator: "/").first.flatMap { Int($0) }
    }
}
