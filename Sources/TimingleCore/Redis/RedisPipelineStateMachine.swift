/// Decides when to connect, which commands wait and which fail at once.
///
/// Loop-confined. No I/O and no clock inside.
enum RedisPipelineStateMachine: ~Copyable {
    /// Nothing was asked yet.
    case idle
    /// Looking up, connecting, AUTH, SELECT; `failures` in a row came before.
    case connecting(failures: Int)
    case ready
    case backingOff(failures: Int)
    case closed

    enum CommandSubmittedAction: Equatable {
        case send
        /// Keep it until `connectionReady` or `connectionFailed`.
        case wait
        case connectAndWait
        case failUnavailable
        case failClosed
    }

    enum ConnectionEndedAction: Equatable {
        /// The first loss of a good connection: worth an attempt at once.
        case connectNow
        /// Fail whoever waits, and come back after the `failures`-th pause.
        case failWaitingAndBackOff(failures: Int)
        case nothing
    }

    mutating func commandSubmitted() -> CommandSubmittedAction {
        switch consume self {
        case .idle:
            self = .connecting(failures: 0)
            return .connectAndWait
        case .connecting(let failures):
            self = .connecting(failures: failures)
            // The first attempt may well succeed in a millisecond; after failures nobody is made to wait for a guess.
            return failures == 0 ? .wait : .failUnavailable
        case .ready:
            self = .ready
            return .send
        case .backingOff(let failures):
            self = .backingOff(failures: failures)
            return .failUnavailable
        case .closed:
            self = .closed
            return .failClosed
        }
    }

    /// The handshake is through; whoever waits may be sent.
    mutating func connectionReady() {
        switch consume self {
        case .connecting: self = .ready
        case .idle: preconditionFailure("a connection became ready that nobody was making")
        case .ready: preconditionFailure("a connection became ready twice")
        case .backingOff: preconditionFailure("a connection became ready during a pause")
        case .closed: self = .closed
        }
    }

    /// The connection, or the attempt at one, is over.
    ///
    /// After a server that `wasSilent` the attempt is made without anybody waiting for it: it accepts connections
    /// (the kernel does that) and answers nothing.
    mutating func connectionEnded(wasSilent: Bool = false) -> ConnectionEndedAction {
        switch consume self {
        case .connecting(let failures):
            self = .backingOff(failures: failures + 1)
            return .failWaitingAndBackOff(failures: failures + 1)
        case .ready:
            self = .connecting(failures: wasSilent ? 1 : 0)
            return .connectNow
        case .idle: preconditionFailure("a connection ended that was never made")
        case .backingOff: preconditionFailure("a connection ended twice")
        case .closed:
            self = .closed
            return .nothing
        }
    }

    /// The pause is over; true: connect.
    mutating func pauseElapsed() -> Bool {
        switch consume self {
        case .backingOff(let failures):
            self = .connecting(failures: failures)
            return true
        case .idle: preconditionFailure("a pause ended that had not begun")
        case .connecting: preconditionFailure("a pause ended twice")
        case .ready: preconditionFailure("a pause ended while connected")
        case .closed:
            self = .closed
            return false
        }
    }

    mutating func close() {
        _ = consume self
        self = .closed
    }

    var isReady: Bool {
        switch self {
        case .ready: true
        case .idle: false
        case .connecting: false
        case .backingOff: false
        case .closed: false
        }
    }

    /// Doubles from `min` to `max`, of which `jitter` (0 to 1) takes away up to a half.
    static func pause(failures: Int, min: Duration, max: Duration, jitter: Double) -> Duration {
        var pause = min
        for _ in 1..<Swift.max(failures, 1) where pause < max { pause *= 2 }
        return Swift.min(pause, max) * (1 - 0.5 * Swift.min(Swift.max(jitter, 0), 1))
    }
}
