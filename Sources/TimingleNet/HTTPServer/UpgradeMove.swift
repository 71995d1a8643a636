/// Takes a connection whose handshake was accepted to the loop where its WebSocket is to live.
///
/// Loop-confined. It goes at the end of the turn, when nobody is looking at its bytes any more. Until then this is its
/// handler, which leaves everything for later. A connection that ends meanwhile stays, as does one of a server that
/// goes down.
final class UpgradeMove: StreamHandler {
    private let accepted: AcceptedUpgrade
    private let stream: StreamConnection
    private let shard: HTTPServerShard
    private let target: ShardReference

    private init(
        _ accepted: AcceptedUpgrade,
        _ stream: StreamConnection,
        from shard: HTTPServerShard,
        to target: ShardReference
    ) {
        self.accepted = accepted
        self.stream = stream
        self.shard = shard
        self.target = target
    }

    /// The part of the listener to which the WebSocket has to go; nil when it is there.
    static func target(of upgrade: WebSocketUpgrade, from shard: HTTPServerShard) -> ShardReference? {
        guard let home = upgrade.home, home !== shard.loop else { return nil }
        return shard.directory.reference(on: home)
    }

    static func begin(
        _ accepted: AcceptedUpgrade,
        _ stream: StreamConnection,
        from shard: HTTPServerShard,
        to target: ShardReference
    ) {
        let move = UpgradeMove(accepted, stream, from: shard, to: target)
        stream.handler = move
        let bound = LoopBound(move, on: shard.loop)
        shard.loop.execute { bound.value.go() }
    }

    private func go() {
        // It has ended.
        guard self.stream.takesBytes else { return }
        guard let departed = self.shard.release(self.stream, to: self.target) else {
            // It has to stay: answers before this one wait to be written, or the server goes down.
            return self.shard.open(self.accepted, on: self.stream)
        }
        let (shard, accepted) = (self.target.shard, self.accepted)
        shard.loop.execute { shard.value.arrive(departed, accepted) }
    }

    // MARK: Stream events

    func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int { 0 }
    func peerHalfClosed(on connection: StreamConnection) { connection.closeAfterFlush() }
    func outboxDrained(on connection: StreamConnection) {}
    func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {}
}
