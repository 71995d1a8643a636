internal import Synchronization

/// How fast each user may send: a bucket of tokens per user that fills with time.
///
/// Any thread (Mutex). At most `usersMax` users are remembered; full buckets are forgotten first, because a new one is
/// full too.
final class UserTokenBuckets: Sendable {
    /// Thousandths of a token, so that milliseconds add whole numbers.
    private struct Bucket {
        var level: Int64
        var at: Timestamp
    }

    private let perSecond: Int64
    private let burst: Int64
    private let usersMax: Int
    private let buckets = Mutex<[UserID: Bucket]>([:])

    init(perSecond: Int, burst: Int, usersMax: Int = 50_000) {
        precondition(perSecond > 0 && burst > 0 && usersMax > 0)
        self.perSecond = Int64(perSecond)
        self.burst = Int64(burst) * 1_000
        self.usersMax = usersMax
    }

    /// Takes one token: nil when there was one, else the whole seconds until there is.
    func take(user: UserID, now: Timestamp) -> Int64? {
        self.buckets.withLock { buckets in
            if buckets.count >= self.usersMax, buckets[user] == nil { self.forget(&buckets, now: now) }
            var level = self.burst
            if let bucket = buckets[user] { level = self.filled(bucket, now: now) }
            guard level >= 1_000 else {
                buckets[user] = Bucket(level: level, at: now)
                let missing = (1_000 - level + self.perSecond - 1) / self.perSecond
                return max(1, (missing + 999) / 1_000)
            }
            buckets[user] = Bucket(level: level - 1_000, at: now)
            return nil
        }
    }

    private func filled(_ bucket: Bucket, now: Timestamp) -> Int64 {
        // A clock that stepped back adds nothing.
        let elapsed = min(max(0, now.milliseconds - bucket.at.milliseconds), 3_600_000)
        return min(self.burst, bucket.level + elapsed * self.perSecond)
    }

    private func forget(_ buckets: inout [UserID: Bucket], now: Timestamp) {
        buckets = buckets.filter { self.filled($0.value, now: now) < self.burst }
        // All of them are busy: half are let off, which is better than to remember without a limit.
        if buckets.count >= self.usersMax {
            for user in Array(buckets.keys.prefix(self.usersMax / 2)) { buckets[user] = nil }
        }
    }
}
