/// Chooses the node that is asked next.
///
/// Pure. Local replicas first, then other local nodes, then those of other data centres; among equals they take turns.
/// Nodes that do not answer come last, and a node that was asked is not asked again.
struct RoutingPolicy {
    /// What the pool of a node says of it.
    enum Standing: Equatable {
        case ready
        /// Its connections are there, but answers did not come of late.
        case suspect
        case down
    }

    /// Who may be asked, and who was.
    struct Request {
        /// Those that hold the partition, the first one first.
        var replicas: [Int]
        /// Those that were asked before.
        var tried: [Int] = []
        /// Grows by one with each request.
        var turn: Int
    }

    var nodeCount: Int
    /// False keeps requests in the local data centre.
    var usesRemoteNodes: Bool

    /// The next node, or nil when all that may be asked were.
    ///
    /// The usual case looks at the replicas alone and allocates nothing.
    func next(
        _ request: Request,
        isLocal: (Int) -> Bool,
        standing: (Int) -> Standing
    ) -> Int? {
        for wanted in [Standing.ready, .suspect] {
            if let node = self.next(request, isLocal: isLocal, standing: { standing($0) == wanted }) { return node }
        }
        return nil
    }

    private func next(_ request: Request, isLocal: (Int) -> Bool, standing isUsable: (Int) -> Bool) -> Int? {
        let replicas = request.replicas
        for step in 0..<replicas.count {
            let node = replicas[(request.turn &+ step) % replicas.count]
            if isLocal(node), isUsable(node), !request.tried.contains(node) { return node }
        }
        if let node = self.anyNode(request, where: { isLocal($0) && isUsable($0) }) { return node }
        guard self.usesRemoteNodes else { return nil }
        for step in 0..<replicas.count {
            let node = replicas[(request.turn &+ step) % replicas.count]
            if isUsable(node), !request.tried.contains(node) { return node }
        }
        return self.anyNode(request, where: isUsable)
    }

    private func anyNode(_ request: Request, where condition: (Int) -> Bool) -> Int? {
        guard self.nodeCount > 0 else { return nil }
        for step in 0..<self.nodeCount {
            let node = (request.turn &+ step) % self.nodeCount
            if condition(node), !request.tried.contains(node) { return node }
        }
        return nil
    }
}
