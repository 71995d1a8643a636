internal import Synchronization

/// How shards tell the acceptor, which is made after them, that room came.
///
/// Any thread (Mutex, Atomic). Costs a look at a flag while the acceptor does not wait for room.
final class AcceptorDoor: Sendable {
    private let acceptor = Mutex<LoopBound<Acceptor>?>(nil)
    private let waits = Atomic<Bool>(false)

    func open(_ acceptor: LoopBound<Acceptor>) { self.acceptor.withLock { $0 = acceptor } }

    /// The acceptor is gone; it holds this door, so the door must not hold it for ever.
    func shut() { self.acceptor.withLock { $0 = nil } }

    /// The acceptor is full; it looks once more at the count after this, so that no end is missed.
    func waitForRoom() { self.waits.store(true, ordering: .sequentiallyConsistent) }

    func connectionEnded() {
        guard self.waits.load(ordering: .sequentiallyConsistent),
            self.waits.exchange(false, ordering: .sequentiallyConsistent),
            let acceptor = self.acceptor.withLock({ $0 })
        else { return }
        acceptor.loop.execute { acceptor.value.roomCame() }
    }
}
