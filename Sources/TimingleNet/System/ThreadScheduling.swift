internal import CLinux
internal import Glibc

/// How the kernel treats a thread that wakes; its share of the processor is the same (sched(7)).
package enum ThreadScheduling: String, Sendable, CaseIterable {
    /// SCHED_OTHER: a thread that wakes may interrupt the one that runs on its processor.
    case normal
    /// SCHED_BATCH: a thread that wakes waits until the one that runs waits too, or has used its slice up.
    case batch

    /// Runs `body` on the calling thread with this policy, and gives the thread back as it was.
    ///
    /// A thread that an operator has given another class, such as real time (chrt(1)), keeps it. Where the kernel or a
    /// sandbox refuses, `body` runs as before. Threads that are made meanwhile inherit it.
    package func run<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = sched_getscheduler(0)
        let isOrdinary = before == SCHED_OTHER || before == TIMINGLE_SCHED_BATCH
        guard isOrdinary, before != self.policy else { return try body() }
        Self.set(self.policy)
        defer { Self.set(before) }
        return try body()
    }

    /// The policy of the calling thread; nil for another class.
    package static var current: ThreadScheduling? {
        let policy = sched_getscheduler(0)
        return Self.allCases.first { $0.policy == policy }
    }

    private var policy: CInt {
        switch self {
        case .normal: SCHED_OTHER
        case .batch: TIMINGLE_SCHED_BATCH
        }
    }

    /// Asks for no more than a hint, so that a refusal is no error.
    private static func set(_ policy: CInt) {
        // Neither policy has a priority.
        var parameters = sched_param(sched_priority: 0)
        _ = sched_setscheduler(0, policy, &parameters)
    }
}
