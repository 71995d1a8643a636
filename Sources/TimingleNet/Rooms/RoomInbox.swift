internal import Synchronization

/// What other threads publish to one loop's members: appended under a lock, taken out whole, bounded.
///
/// Any thread (Mutex).
final class RoomInbox: Sendable {
    struct Publication: Sendable {
        var room: Int64
        var frame: BroadcastFrame

        /// What it costs to keep, roughly: most share their bytes with other loops.
        var bytes: Int { self.frame.count + (self.frame.compressed?.bytes.count ?? 0) + 64 }
    }

    /// What has come since the last `take`.
    struct Contents: Sendable {
        var publications: [Publication] = []
        /// Rooms of which a publication found no room: their members have a gap.
        var lostRooms: Set<Int64> = []

        var isEmpty: Bool { self.publications.isEmpty && self.lostRooms.isEmpty }
    }

    private struct State {
        var contents = Contents()
        var bytes = 0
    }

    private let bytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Says whether the loop must be told: only the first publication after a `take` asks for it.
    ///
    /// An empty inbox takes any one publication; what finds no room is dropped, and its room noted down.
    func append(_ publication: Publication) -> Bool {
        self.state.withLock { state in
            let isFirst = state.contents.isEmpty
            // Behind a gap nothing is worth keeping: its members start anew.
            if !state.contents.lostRooms.isEmpty, state.contents.lostRooms.contains(publication.room) { return false }
            let bytes = publication.bytes
            if isFirst || bytes <= self.bytesMax - state.bytes {
                state.bytes += bytes
                state.contents.publications.append(publication)
            } else {
                state.contents.lostRooms.insert(publication.room)
            }
            return isFirst
        }
    }

    func take() -> Contents {
        self.state.withLock { state in
            var taken = Contents()
            swap(&taken, &state.contents)
            state.bytes = 0
            return taken
        }
    }
}
