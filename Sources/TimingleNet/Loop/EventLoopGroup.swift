internal import Dispatch
internal import Synchronization

/// N loops, each one long-lived work item on its own Dispatch queue.
package final class EventLoopGroup: Sendable {
    package let loops: [EventLoop]
    private let next = Atomic<Int>(0)
    private let finished: DispatchGroup

    fileprivate init(count: Int, scheduling: ThreadScheduling) throws(SystemError) {
        precondition(count > 0, "a group needs a loop")
        var loops: [EventLoop] = []
        for index in 0..<count { loops.append(try EventLoop(index: index)) }
        self.loops = loops
        self.finished = DispatchGroup()
        for loop in loops {
            let queue = DispatchQueue(label: "timingle.loop.\(loop.index)", qos: .userInteractive)
            queue.async(group: self.finished) { scheduling.run { loop.run() } }
        }
    }

    /// The loops in turn.
    ///
    /// Any thread.
    package func nextLoop() -> EventLoop {
        self.loops[self.next.wrappingAdd(1, ordering: .relaxed).oldValue % self.loops.count]
    }

    /// The current loop if it is one of ours, else the next in turn.
    package func anyLoop() -> EventLoop {
        if let current = EventLoop.current, self.loops.indices.contains(current.index),
            self.loops[current.index] === current
        {
            return current
        }
        return self.nextLoop()
    }

    /// The loop of whatever `key` names, such as a room: the same for as long as the group lives.
    ///
    /// Any thread. Consecutive keys are spread.
    package func home(of key: Int64) -> EventLoop {
        // Fibonacci hashing (Knuth, TAOCP 6.4): the high bits tell neighbours apart.
        let hash = UInt64(bitPattern: key) &* 0x9e37_79b9_7f4a_7c15
        return self.loops[Int(truncatingIfNeeded: (hash >> 33) % UInt64(self.loops.count))]
    }

    fileprivate func stop() async {
        for loop in self.loops { loop.stop() }
        await withCheckedContinuation { continuation in
            self.finished.notify(queue: .global()) { continuation.resume() }
        }
    }
}

/// Runs `body` with `count` running loops and stops them when it returns or throws.
///
/// Whoever works on the loops must be done by then: a task that still prefers one of them would never resume.
///
/// By default a loop that is woken does not interrupt the thread that runs on its processor, which is often the one
/// that woke it and has more for it. Where others keep the processor busy it waits some milliseconds, a slice.
package func withEventLoopGroup<Result>(
    count: Int,
    scheduling: ThreadScheduling = .batch,
    _ body: (EventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = try EventLoopGroup(count: count, scheduling: scheduling)
    do {
        let result = try await body(group)
        await group.stop()
        return result
    } catch {
        await group.stop()
        throw error
    }
}
