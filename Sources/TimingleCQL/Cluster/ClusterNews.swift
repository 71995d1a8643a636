internal import TimingleNet

/// Carries what the control connection learns to all loops.
///
/// Any thread.
struct ClusterNews: Sendable {
    private let shards: [LoopBound<CQLShard>]

    init(shards: [LoopBound<CQLShard>]) { self.shards = shards }

    func learned(_ topology: ClusterTopology) { self.tell { $0.learned(topology) } }
    func couldNotLearn(_ error: CQLError) { self.tell { $0.couldNotLearn(error) } }
    func reportedUp(_ address: SocketAddress) { self.tell { $0.reportedUp(address) } }

    private func tell(_ body: @escaping @Sendable (CQLShard) -> Void) {
        for shard in self.shards { shard.loop.execute { body(shard.value) } }
    }
}
