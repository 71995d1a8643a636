internal import Synchronization

/// Remembers at most about `capacity` values; the ones not asked for lately go first.
///
/// Any thread (one Mutex per shard). Two generations: when the young one is full, the old one is forgotten as a whole.
package final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Shard: Sendable {
        var young: [Key: Value] = [:]
        var old: [Key: Value] = [:]
    }

    private final class Locked: Sendable {
        let shard = Mutex(Shard())
    }

    private let shards: [Locked]
    private let generationMax: Int

    package init(capacity: Int, shards: Int = 16) {
        precondition(capacity >= 1 && shards >= 1, "a cache needs room")
        self.shards = (0..<shards).map { _ in Locked() }
        self.generationMax = max(capacity / (2 * shards), 1)
    }

    package func value(for key: Key) -> Value? {
        self.locked(key).shard.withLock { shard in
            if let value = shard.young[key] { return value }
            guard let value = shard.old.removeValue(forKey: key) else { return nil }
            self.insert(value, for: key, into: &shard)
            return value
        }
    }

    package func insert(_ value: Value, for key: Key) {
        self.locked(key).shard.withLock { shard in
            shard.old[key] = nil
            self.insert(value, for: key, into: &shard)
        }
    }

    package func remove(_ key: Key) {
        self.locked(key).shard.withLock { shard in
            shard.young[key] = nil
            shard.old[key] = nil
        }
    }

    package var count: Int {
        self.shards.reduce(0) { sum, locked in sum + locked.shard.withLock { $0.young.count + $0.old.count } }
    }

    private func insert(_ value: Value, for key: Key, into shard: inout Shard) {
        if shard.young.count >= self.generationMax, shard.young[key] == nil {
            shard.old = shard.young
            shard.young = [:]
        }
        shard.young[key] = value
    }

    private func locked(_ key: Key) -> Locked {
        self.shards[Int(UInt(bitPattern: key.hashValue) % UInt(self.shards.count))]
    }
}
