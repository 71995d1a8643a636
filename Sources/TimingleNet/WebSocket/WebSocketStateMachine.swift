/// The life of one WebSocket after its handshake: living, closing, gone.
///
/// Loop-confined. No I/O and no clock inside: time and limits arrive as arguments.
enum WebSocketStateMachine: ~Copyable {
    /// Proof of life of the peer.
    struct Liveness: Equatable {
        var lastFrame: MonotonicInstant
        var lastPing: MonotonicInstant
        var pingOutstanding = false

        func pingIsDue(_ limits: WebSocketLimits) -> MonotonicInstant { self.lastPing + limits.pingInterval }

        /// A ping that left late has as long to be answered as one that left in time.
        func silenceEnds(_ limits: WebSocketLimits) -> MonotonicInstant {
            max(self.lastFrame + limits.readTimeout, self.lastPing + (limits.readTimeout - limits.pingInterval))
        }
    }

    case open(Liveness)
    /// Our Close is on its way, the peer's is awaited.
    case closingByUs(WebSocketCloseCode, deadline: MonotonicInstant)
    /// Nothing more is awaited from the peer: it closed, or broke the rules, or fell silent.
    ///
    /// The last bytes leave.
    case finishing(deadline: MonotonicInstant)
    case closed

    init(openedAt now: MonotonicInstant) { self = .open(Liveness(lastFrame: now, lastPing: now)) }

    /// What the end of the WebSocket asks for; each `report` is the code that the handler is told, once.
    enum EndAction: Equatable {
        /// Send a Close frame, then take no more bytes, flush and finish the stream.
        case sendCloseAndFinish(report: WebSocketCloseCode)
        /// Take no more bytes, flush and finish the stream.
        case finish(report: WebSocketCloseCode)
        case nothing
    }

    enum CloseRequestedAction: Equatable {
        case sendClose
        case nothing
    }

    enum DeadlineReachedAction: Equatable {
        case sendPing
        /// The peer is silent: part from it.
        case sendCloseAndFinish(report: WebSocketCloseCode)
        /// The peer did not finish the closing handshake in time.
        case abort(report: WebSocketCloseCode?)
        case nothing
    }

    enum StreamClosedAction: Equatable {
        case report(WebSocketCloseCode)
        case nothing
    }

    /// True while messages go both ways.
    var isOpen: Bool {
        switch self {
        case .open: true
        case .closingByUs: false
        case .finishing: false
        case .closed: false
        }
    }

    /// True while frames of the peer still mean something.
    var readsFrames: Bool {
        switch self {
        case .open: true
        case .closingByUs: true
        case .finishing: false
        case .closed: false
        }
    }

    /// When `deadlineReached` has something to do; nil after the end.
    func nextDeadline(limits: WebSocketLimits) -> MonotonicInstant? {
        switch self {
        case .open(let liveness):
            return liveness.pingOutstanding
                ? liveness.silenceEnds(limits)
                : min(liveness.lastFrame + limits.readTimeout, liveness.pingIsDue(limits))
        case .closingByUs(_, let deadline):
            return deadline
        case .finishing(let deadline):
            return deadline
        case .closed:
            return nil
        }
    }

    /// Any whole frame proves that the peer lives, not only a pong.
    mutating func frameReceived(now: MonotonicInstant) {
        switch consume self {
        case .open(var liveness):
            liveness.lastFrame = now
            liveness.pingOutstanding = false
            self = .open(liveness)
        case .closingByUs(let code, let deadline):
            self = .closingByUs(code, deadline: deadline)
        case .finishing:
            preconditionFailure("a frame was read after the last one that counts")
        case .closed:
            preconditionFailure("a frame was read from a closed stream")
        }
    }

    /// The peer's Close: it is answered at once, whatever else is queued.
    mutating func closeReceived(
        _ code: WebSocketCloseCode,
        now: MonotonicInstant,
        limits: WebSocketLimits
    ) -> EndAction {
        switch consume self {
        case .open:
            self = .finishing(deadline: now + limits.closeTimeout)
            return .sendCloseAndFinish(report: code)
        case .closingByUs(let ours, let deadline):
            self = .finishing(deadline: deadline)
            return .finish(report: ours)
        case .finishing:
            preconditionFailure("a Close was read after the last frame that counts")
        case .closed:
            preconditionFailure("a Close was read from a closed stream")
        }
    }

    /// The application or the server wants to part.
    mutating func closeRequested(
        _ code: WebSocketCloseCode,
        now: MonotonicInstant,
        limits: WebSocketLimits
    ) -> CloseRequestedAction {
        switch consume self {
        case .open:
            self = .closingByUs(code, deadline: now + limits.closeTimeout)
            return .sendClose
        case .closingByUs(let first, let deadline):
            self = .closingByUs(first, deadline: deadline)
            return .nothing
        case .finishing(let deadline):
            self = .finishing(deadline: deadline)
            return .nothing
        case .closed:
            self = .closed
            return .nothing
        }
    }

    /// The peer broke the rules, or does not read: nothing more is expected of it.
    mutating func failed(
        _ code: WebSocketCloseCode,
        now: MonotonicInstant,
        limits: WebSocketLimits
    ) -> EndAction {
        switch consume self {
        case .open:
            self = .finishing(deadline: now + limits.closeTimeout)
            return .sendCloseAndFinish(report: code)
        case .closingByUs(let ours, let deadline):
            self = .finishing(deadline: deadline)
            return .finish(report: ours)
        case .finishing(let deadline):
            self = .finishing(deadline: deadline)
            return .nothing
        case .closed:
            self = .closed
            return .nothing
        }
    }

    /// FIN without a Close.
    mutating func peerHalfClosed(now: MonotonicInstant, limits: WebSocketLimits) -> EndAction {
        switch consume self {
        case .open:
            self = .finishing(deadline: now + limits.closeTimeout)
            return .finish(report: .abnormal)
        case .closingByUs(let ours, let deadline):
            self = .finishing(deadline: deadline)
            return .finish(report: ours)
        case .finishing(let deadline):
            self = .finishing(deadline: deadline)
            return .nothing
        case .closed:
            preconditionFailure("a closed stream was half-closed")
        }
    }

    /// The timer fired; it may be early, because frames move the deadlines and not the timer.
    mutating func deadlineReached(now: MonotonicInstant, limits: WebSocketLimits) -> DeadlineReachedAction {
        switch consume self {
        case .open(var liveness):
            guard liveness.pingOutstanding else {
                // However late we are: nobody is silent who was not asked.
                guard now >= liveness.pingIsDue(limits) || now >= liveness.lastFrame + limits.readTimeout else {
                    self = .open(liveness)
                    return .nothing
                }
                liveness.lastPing = now
                liveness.pingOutstanding = true
                self = .open(liveness)
                return .sendPing
            }
            guard now >= liveness.silenceEnds(limits) else {
                self = .open(liveness)
                return .nothing
            }
            self = .finishing(deadline: now + limits.closeTimeout)
            return .sendCloseAndFinish(report: .abnormal)
        case .closingByUs(let code, let deadline):
            guard now < deadline else {
                self = .finishing(deadline: deadline)
                return .abort(report: code)
            }
            self = .closingByUs(code, deadline: deadline)
            return .nothing
        case .finishing(let deadline):
            self = .finishing(deadline: deadline)
            return now < deadline ? .nothing : .abort(report: nil)
        case .closed:
            preconditionFailure("a timer outlived its connection")
        }
    }

    /// The stream is gone, once.
    mutating func streamClosed() -> StreamClosedAction {
        switch consume self {
        case .open:
            self = .closed
            return .report(.abnormal)
        case .closingByUs(let code, _):
            self = .closed
            return .report(code)
        case .finishing:
            self = .closed
            return .nothing
        case .closed:
            preconditionFailure("a stream was closed twice")
        }
    }
}
