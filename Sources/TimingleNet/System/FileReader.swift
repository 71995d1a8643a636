internal import Dispatch
internal import Synchronization

/// Does what may wait for a disk, away from the loops: a few threads, and a limit on what waits for them.
///
/// Any thread (Mutex).
package final class FileReader: Sendable {
    package typealias Job = @Sendable () -> Void

    /// How many jobs run at once: more would only wait for the same disk.
    package static let threadsMax = 4
    /// How many jobs may wait; one that finds more in front of it is refused.
    package static let waitingMax = 4_096

    private struct State {
        var running = 0
        var waiting: [Job] = []
        /// Those before have been taken.
        var head = 0
    }

    private let queue = DispatchQueue(label: "timingle.files", qos: .userInitiated, attributes: .concurrent)
    private let state = Mutex(State())
    private let threadsMax: Int
    private let waitingMax: Int
    /// How contents went: handed to the kernel, read ahead first, read by us.
    let counters = FileCounters()

    package init(threadsMax: Int = FileReader.threadsMax, waitingMax: Int = FileReader.waitingMax) {
        self.threadsMax = threadsMax
        self.waitingMax = waitingMax
    }

    /// Runs `job` on a thread where it may block; false, and it is not run, when too many wait already.
    package func submit(_ job: @escaping Job) -> Bool {
        enum Verdict { case run, wait, refuse }
        let verdict = self.state.withLock { state -> Verdict in
            if state.running < self.threadsMax {
                state.running += 1
                return .run
            }
            guard state.waiting.count - state.head < self.waitingMax else { return .refuse }
            state.waiting.append(job)
            return .wait
        }
        if verdict == .run {
            self.queue.async {
                job()
                while let next = self.next() { next() }
            }
        }
        return verdict != .refuse
    }

    /// Runs `body` where it may block, and returns what it returns; nil when too many wait already.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result? {
        await withCheckedContinuation { continuation in
            let isTaken = self.submit { continuation.resume(returning: body()) }
            if !isTaken { continuation.resume(returning: nil) }
        }
    }

    /// The next job that waits; nil, and the thread is given back, when there is none.
    private func next() -> Job? {
        self.state.withLock { state in
            guard state.head < state.waiting.count else {
                state.running -= 1
                state.waiting.removeAll(keepingCapacity: state.waiting.capacity <= 64)
                state.head = 0
                return nil
            }
            let job = state.waiting[state.head]
            state.head += 1
            if state.head >= 64, state.head * 2 >= state.waiting.count {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            return job
        }
    }
}

/// How many pieces of files went which way.
///
/// Any thread (Atomic).
final class FileCounters: Sendable {
    /// Handed to the kernel, which copies nothing through the process.
    let sent = Atomic<Int>(0)
    /// Of these: had to be brought into memory first.
    let readAhead = Atomic<Int>(0)
    /// Read into memory of ours, because something (TLS) has to look at each byte.
    let read = Atomic<Int>(0)
}
