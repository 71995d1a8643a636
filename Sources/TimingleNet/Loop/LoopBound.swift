/// Carries a loop-confined value through Sendable places; opening it off its loop traps.
// SAFETY: `value` is read and written only after `preconditionInLoop`. LoopBoundTests opens it on a wrong thread.
package final class LoopBound<Value>: @unchecked Sendable {
    package let loop: EventLoop
    private var stored: Value

    /// Wraps `value`, which must have been made on `loop` or not be shared with anyone yet.
    package init(_ value: Value, on loop: EventLoop) {
        self.loop = loop
        self.stored = value
    }

    package var value: Value {
        // Lent, not copied: no reference is counted.
        _read {
            self.loop.preconditionInLoop()
            yield self.stored
        }
        _modify {
            self.loop.preconditionInLoop()
            yield &self.stored
        }
    }
}
