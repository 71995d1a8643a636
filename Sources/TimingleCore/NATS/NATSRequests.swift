internal import Dispatch
internal import Synchronization
internal import TimingleNet

/// Who waits for which answer, and until when.
///
/// Any thread (Mutex). One timer looks at all deadlines, and only while somebody waits.
final class NATSRequests: Sendable {
    typealias Answer = Result<NATSMessage, NATSError>

    private struct Waiter {
        let deadline: MonotonicInstant
        let resume: @Sendable (Answer) -> Void
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var nextToken: UInt64 = 1
        var sweepIsScheduled = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let timers = DispatchQueue(label: "timingle.nats.deadlines")
    private static let sweepInterval: DispatchTimeInterval = .milliseconds(25)

    init(countMax: Int) { self.countMax = countMax }

    /// Adds a waiter and returns its token; nil, and an answer at once, when there is no room.
    func add(timeout: Duration, resume: @escaping @Sendable (Answer) -> Void) -> UInt64? {
        let deadline = MonotonicInstant.now + timeout
        let (token, mustSweep, refusal) = self.state.withLock { state -> (UInt64, Bool, NATSError?) in
            if state.isClosed { return (0, false, NATSError(.closed, "the connection was closed")) }
            guard state.waiters.count < self.countMax else {
                return (0, false, NATSError(.overloaded, "too many requests wait for their answers"))
            }
            let token = state.nextToken
            state.nextToken += 1
            state.waiters[token] = Waiter(deadline: deadline, resume: resume)
            let mustSweep = !state.sweepIsScheduled
            state.sweepIsScheduled = true
            return (token, mustSweep, nil)
        }
        if let refusal {
            resume(.failure(refusal))
            return nil
        }
        if mustSweep { self.scheduleSweep() }
        return token
    }

    /// Gives the answer to its waiter; one that comes too late has none.
    func answer(token: UInt64, _ answer: Answer) {
        let waiter = self.state.withLock { $0.waiters.removeValue(forKey: token) }
        waiter?.resume(answer)
    }

    /// Fails all waiters and takes no more when `closing`.
    func failAll(_ error: NATSError, closing: Bool) {
        let waiters = self.state.withLock { state in
            defer { state.waiters = [:] }
            if closing { state.isClosed = true }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume(.failure(error)) }
    }

    private func scheduleSweep() {
        self.timers.asyncAfter(deadline: .now() + Self.sweepInterval) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        let now = MonotonicInstant.now
        let (late, mustSweep) = self.state.withLock { state -> ([Waiter], Bool) in
            let late = state.waiters.filter { $0.value.deadline <= now }
            for token in late.keys { state.waiters[token] = nil }
            state.sweepIsScheduled = !state.waiters.isEmpty
            return (Array(late.values), state.sweepIsScheduled)
        }
        for waiter in late { waiter.resume(.failure(NATSError(.timeout, "no answer in time"))) }
        if mustSweep { self.scheduleSweep() }
    }
}
