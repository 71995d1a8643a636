internal import Synchronization

/// What other threads hand to a loop: appended under a lock, swapped out whole, run unlocked.
///
/// Any thread (Mutex, Atomic). A loop that is busy looks by itself before it waits: only who comes first to one that
/// waits has to wake it.
final class LoopMailbox: Sendable {
    enum Letter: Sendable {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
    }

    private let letters = Mutex<[Letter]>([])
    /// True from `mayWait` on until somebody undertakes to wake the loop, or it has woken by itself.
    ///
    /// The lock puts it in order: who appends behind the loop's look sees that it waits.
    private let isWaiting = Atomic<Bool>(false)

    /// Appends a letter and says whether the loop must be woken.
    func append(_ letter: Letter) -> Bool {
        self.letters.withLock { $0.append(letter) }
        return self.isWaiting.load(ordering: .relaxed) && self.isWaiting.exchange(false, ordering: .relaxed)
    }

    /// Moves all letters into `batch`, which must be empty and whose capacity is kept for the next swap.
    func swap(into batch: inout [Letter]) {
        precondition(batch.isEmpty)
        self.letters.withLock { Swift.swap(&$0, &batch) }
    }

    /// True when the loop may wait: from here on it is woken for the next letter.
    ///
    /// On the loop, right before its wait.
    func mayWait() -> Bool {
        self.isWaiting.store(true, ordering: .relaxed)
        if self.letters.withLock({ $0.isEmpty }) { return true }
        self.isWaiting.store(false, ordering: .relaxed)
        return false
    }

    /// The loop's wait has ended; it will look for letters.
    func awoke() { self.isWaiting.store(false, ordering: .relaxed) }
}
