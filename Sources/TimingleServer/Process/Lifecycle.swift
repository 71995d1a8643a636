internal import Synchronization

/// Whether the process takes new work.
///
/// Any thread.
final class Lifecycle: Sendable {
    private let draining = Atomic<Bool>(false)

    var isDraining: Bool { self.draining.load(ordering: .acquiring) }

    /// Readiness fails from here on; there is no way back.
    func beginDraining() { self.draining.store(true, ordering: .releasing) }
}
