import Synchronization

/// A value behind a lock, for fakes that many tasks share.
package final class Locked<Value>: @unchecked Sendable {
    // SAFETY: `value` is touched under `mutex` only.
    private let mutex = Mutex(())
    private var value: Value

    package init(_ value: Value) { self.value = value }

    package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try self.mutex.withLock { _ in try body(&self.value) }
    }
}
