/// Which nodes hold a token.
///
/// Immutable. Nodes are places in the list that the ring was made from.
struct TokenRing: Sendable {
    /// Sorted, without repetition.
    let tokens: [CQLToken]
    /// The owner of each token.
    private let owners: [Int]
    private let dataCenters: [String]
    private let racks: [String]
    private let nodesByDataCenter: [String: Int]
    private let racksByDataCenter: [String: Int]

    init(_ nodes: [CQLNode]) {
        var entries: [(token: CQLToken, node: Int)] = []
        for (index, node) in nodes.enumerated() { for token in node.tokens { entries.append((token, index)) } }
        // Two owners of one token are a moment of a replacement; the one that was listed last counts.
        entries.sort { ($0.token, $1.node) < ($1.token, $0.node) }
        var tokens: [CQLToken] = []
        var owners: [Int] = []
        tokens.reserveCapacity(entries.count)
        owners.reserveCapacity(entries.count)
        for entry in entries where tokens.last != entry.token {
            tokens.append(entry.token)
            owners.append(entry.node)
        }
        self.tokens = tokens
        self.owners = owners
        self.dataCenters = nodes.map(\.dataCenter)
        self.racks = nodes.map(\.rack)
        // Only those with tokens count: others hold nothing.
        let members = nodes.filter { !$0.tokens.isEmpty }
        let byDataCenter = Dictionary(grouping: members, by: \.dataCenter)
        self.nodesByDataCenter = byDataCenter.mapValues(\.count)
        self.racksByDataCenter = byDataCenter.mapValues { Set($0.map(\.rack)).count }
    }

    var isEmpty: Bool { self.tokens.isEmpty }

    /// The place of the first token that is not before `token`; behind the last one comes the first.
    func position(of token: CQLToken) -> Int {
        var low = 0
        var high = self.tokens.count
        while low < high {
            let middle = (low + high) / 2
            if self.tokens[middle] < token { low = middle + 1 } else { high = middle }
        }
        return low == self.tokens.count ? 0 : low
    }

    /// The nodes that hold what lies at `position`, the first one first.
    func replicas(at position: Int, _ strategy: ReplicationStrategy) -> [Int] {
        guard !self.isEmpty else { return [] }
        switch strategy {
        case .simple(let factor): return self.simpleReplicas(position, factor)
        case .networkTopology(let factors): return self.spreadReplicas(position, factors)
        case .everywhere: return self.simpleReplicas(position, self.dataCenters.count)
        case .local, .unknown: return []
        }
    }

    private func simpleReplicas(_ position: Int, _ factor: Int) -> [Int] {
        var replicas: [Int] = []
        let wanted = min(factor, self.nodesByDataCenter.values.reduce(0, +))
        for step in 0..<self.owners.count where replicas.count < wanted {
            let owner = self.owners[(position + step) % self.owners.count]
            if !replicas.contains(owner) { replicas.append(owner) }
        }
        return replicas
    }

    /// What is still to be found in one data centre.
    private struct Search {
        var left: Int
        /// How many may stand on a rack that has one already, so that each rack has one first.
        var repeatsLeft: Int
        var racks: Set<String> = []
    }

    /// As `NetworkTopologyStrategy.calculateNaturalReplicas` walks the ring.
    private func spreadReplicas(_ position: Int, _ factors: [String: Int]) -> [Int] {
        var searches: [String: Search] = [:]
        var left = 0
        for (dataCenter, factor) in factors {
            guard let nodes = self.nodesByDataCenter[dataCenter] else { continue }
            let wanted = min(factor, nodes)
            searches[dataCenter] = Search(
                left: wanted,
                repeatsLeft: factor - (self.racksByDataCenter[dataCenter] ?? 0)
            )
            left += wanted
        }
        var replicas: [Int] = []
        for step in 0..<self.owners.count where left > 0 {
            let owner = self.owners[(position + step) % self.owners.count]
            let dataCenter = self.dataCenters[owner]
            guard var search = searches[dataCenter], search.left > 0, !replicas.contains(owner) else { continue }
            if !search.racks.insert(self.racks[owner]).inserted {
                guard search.repeatsLeft > 0 else { continue }
                search.repeatsLeft -= 1
            }
            search.left -= 1
            searches[dataCenter] = search
            replicas.append(owner)
            left -= 1
        }
        return replicas
    }
}
