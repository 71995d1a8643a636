import Synchronization
package import TimingleCore

/// A wall clock that moves when a test says so.
package final class ManualWallClock: WallClock {
    private let milliseconds: Atomic<Int64>

    /// 2026-01-15T10:00:00Z unless told otherwise.
    package init(_ start: Timestamp = Timestamp(milliseconds: 1_768_471_200_000)) {
        self.milliseconds = Atomic(start.milliseconds)
    }

    package func now() -> Timestamp { Timestamp(milliseconds: self.milliseconds.load(ordering: .relaxed)) }

    /// Also backwards.
    package func advance(by duration: Duration) {
        let step = (Timestamp(milliseconds: 0) + duration).milliseconds
        self.milliseconds.wrappingAdd(step, ordering: .relaxed)
    }
}
