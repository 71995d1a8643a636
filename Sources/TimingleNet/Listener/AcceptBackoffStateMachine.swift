/// Decides when a listener that ran out of descriptors may accept again.
///
/// Loop-confined. No I/O and no clock inside: time arrives as an argument.
enum AcceptBackoffStateMachine: ~Copyable {
    case accepting(failures: Int)
    case paused(until: MonotonicInstant, failures: Int)

    enum DeadlineReachedAction: Equatable {
        case resumeAccepting
        case waitLonger(until: MonotonicInstant)
        case nothing
    }

    /// A connection came: the next failure is a first one.
    mutating func accepted() {
        switch consume self {
        case .accepting: self = .accepting(failures: 0)
        case .paused: preconditionFailure("accepted while paused: readiness should be off")
        }
    }

    /// Reports EMFILE or ENFILE from `accept4` and returns the instant until which readiness stays off.
    ///
    /// Each failure in a row doubles the pause, up to `pauseMax`.
    mutating func descriptorsExhausted(now: MonotonicInstant, pauseMax: Duration) -> MonotonicInstant {
        switch consume self {
        case .accepting(let failures):
            let until = now + min(.milliseconds(10 << min(failures, 10)), pauseMax)
            self = .paused(until: until, failures: failures + 1)
            return until
        case .paused:
            preconditionFailure("accept failed while paused: readiness should be off")
        }
    }

    mutating func deadlineReached(now: MonotonicInstant) -> DeadlineReachedAction {
        switch consume self {
        case .accepting(let failures):
            // A timer that fired in the same turn as the resume. Harmless.
            self = .accepting(failures: failures)
            return .nothing
        case .paused(let until, let failures):
            if now < until {
                self = .paused(until: until, failures: failures)
                return .waitLonger(until: until)
            }
            self = .accepting(failures: failures)
            return .resumeAccepting
        }
    }

    var isPaused: Bool {
        switch self {
        case .accepting: false
        case .paused: true
        }
    }
}
