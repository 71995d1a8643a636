internal import Synchronization

/// What other threads hand to a loop: appended under a lock, swapped out whole, run unlocked.
///
/// Any thread (Mutex). One wake-up per batch: only the first append after a swap asks for it.
final class LoopMailbox: Sendable {
    enum Letter: Sendable {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
    }

    private struct State {
        var letters: [Letter] = []
        var wakePending = false
    }

    private let state = Mutex(State())

    /// Appends a letter and says whether the loop must be woken.
    func append(_ letter: Letter) -> Bool {
        self.state.withLock { state in
            state.letters.append(letter)
            guard !state.wakePending else { return false }
            state.wakePending = true
            return true
        }
    }

    /// Moves all letters into `batch`, which must be empty and whose capacity is kept for the next swap.
    func swap(into batch: inout [Letter]) {
        precondition(batch.isEmpty)
        self.state.withLock { state in
            Swift.swap(&state.letters, &batch)
            state.wakePending = false
        }
    }
}
