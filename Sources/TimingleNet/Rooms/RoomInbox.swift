internal import Synchronization

/// What other threads publish to one loop's members: appended under a lock, taken out whole.
///
/// Any thread (Mutex).
final class RoomInbox: Sendable {
    struct Publication: Sendable {
        var room: Int64
        var frame: BroadcastFrame
    }

    private let waiting = Mutex<[Publication]>([])

    /// Says whether the loop must be told: only the first publication after a `take` asks for it.
    func append(_ publication: Publication) -> Bool {
        self.waiting.withLock { waiting in
            waiting.append(publication)
            return waiting.count == 1
        }
    }

    func take() -> [Publication] {
        self.waiting.withLock { waiting in
            var taken: [Publication] = []
            swap(&taken, &waiting)
            return taken
        }
    }
}
