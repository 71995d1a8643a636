/// The life of one stream: open, half-closed by the peer, draining our last bytes, lingering, closed.
///
/// Loop-confined. No I/O: the hands ask and perform.
enum ConnectionStateMachine: ~Copyable {
    case open
    /// The peer sent its end of stream; we may still write.
    case halfClosed
    /// We will close once the outbox is empty; nothing is read or taken any more.
    case draining(peerDone: Bool)
    /// Our FIN is out; what the peer still sends is discarded until its own end, so that our last bytes reach it.
    case lingering
    case closed

    enum PeerClosedAction: Equatable {
        case tellHandler
        case close
        case nothing
    }

    enum FinishAction: Equatable {
        /// The outbox still holds bytes: come back with `outboxDrained`.
        case flush
        case shutdownAndLinger
        case close
        case nothing
    }

    var takesBytes: Bool {
        switch self {
        case .open: true
        case .halfClosed: true
        case .draining: false
        case .lingering: false
        case .closed: false
        }
    }

    var isClosed: Bool {
        switch self {
        case .closed: true
        case .open: false
        case .halfClosed: false
        case .draining: false
        case .lingering: false
        }
    }

    /// True while what is read goes to the handler.
    var delivers: Bool {
        switch self {
        case .open: true
        case .halfClosed: false
        case .draining: false
        case .lingering: false
        case .closed: false
        }
    }

    /// True while what is read is thrown away.
    var discards: Bool {
        switch self {
        case .lingering: true
        case .open: false
        case .halfClosed: false
        case .draining: false
        case .closed: false
        }
    }

    /// True once reading can bring nothing, or nothing is wanted.
    var peerIsDone: Bool {
        switch self {
        case .draining(let peerDone): peerDone
        case .halfClosed: true
        case .closed: true
        case .open: false
        case .lingering: false
        }
    }

    mutating func peerClosed() -> PeerClosedAction {
        switch consume self {
        case .open:
            self = .halfClosed
            return .tellHandler
        case .halfClosed:
            preconditionFailure("end of stream after end of stream: reading should be off")
        case .draining:
            self = .draining(peerDone: true)
            return .nothing
        case .lingering:
            self = .closed
            return .close
        case .closed:
            preconditionFailure("end of stream on a closed connection: it should be deregistered")
        }
    }

    /// Our side wants no more than to get its queued bytes out.
    mutating func finish(outboxIsEmpty: Bool) -> FinishAction {
        switch consume self {
        case .open:
            self = outboxIsEmpty ? .lingering : .draining(peerDone: false)
            return outboxIsEmpty ? .shutdownAndLinger : .flush
        case .halfClosed:
            self = outboxIsEmpty ? .closed : .draining(peerDone: true)
            return outboxIsEmpty ? .close : .flush
        case .draining(let peerDone):
            self = .draining(peerDone: peerDone)
            return .nothing
        case .lingering:
            self = .lingering
            return .nothing
        case .closed:
            self = .closed
            return .nothing
        }
    }

    mutating func outboxDrained() -> FinishAction {
        switch consume self {
        case .open:
            self = .open
            return .nothing
        case .halfClosed:
            self = .halfClosed
            return .nothing
        case .draining(let peerDone):
            self = peerDone ? .closed : .lingering
            return peerDone ? .close : .shutdownAndLinger
        case .lingering:
            preconditionFailure("the outbox drained after FIN: bytes were taken while lingering")
        case .closed:
            preconditionFailure("the outbox drained after close: it should be empty")
        }
    }

    /// Ends at once; true for the first time.
    mutating func abort() -> Bool {
        switch consume self {
        case .closed:
            self = .closed
            return false
        case .open: self = .closed
        case .halfClosed: self = .closed
        case .draining: self = .closed
        case .lingering: self = .closed
        }
        return true
    }
}
