internal import Synchronization

/// One loop's part of a listener, as others reach it.
///
/// Immutable.
struct ShardReference: Sendable {
    let shard: LoopBound<HTTPServerShard>
    let load: ShardLoad
}

/// The parts of a listener by loop: a connection may have to go to another one.
///
/// Any thread (Mutex). Cleared when the listener stops to accept: shards and directory refer to each other.
final class ShardDirectory: Sendable {
    private let references = Mutex<[ShardReference]>([])

    func fill(_ references: [ShardReference]) { self.references.withLock { $0 = references } }

    func clear() { self.references.withLock { $0 = [] } }

    /// The part that is on `loop`; nil for a loop of another group, and once the listener goes down.
    func reference(on loop: EventLoop) -> ShardReference? {
        self.references.withLock { references in
            guard references.indices.contains(loop.index) else { return nil }
            let reference = references[loop.index]
            return reference.shard.loop === loop ? reference : nil
        }
    }
}
