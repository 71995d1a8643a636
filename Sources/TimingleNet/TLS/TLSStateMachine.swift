/// The life of one TLS connection over its socket: handshake, open, finished by either side, refused, failed.
///
/// Loop-confined. No I/O and no library: the hands ask and perform.
///
/// The state is a plain value inside, because most events treat several states alike.
struct TLSStateMachine: ~Copyable {
    enum State: Equatable {
        case handshaking
        case open
        /// The peer's end has come: it sends no more, we may.
        case peerFinished
        /// Our close_notify is out, or on its way: we send no more, the peer may.
        case finished(peerFinished: Bool)
        /// There is no session and will be none: what is queued (an alert) goes out, then FIN, and what still comes is
        /// thrown away for a while, so that the peer can read why.
        case refusing
        /// Broken, or refused to the end: the next read says so.
        case failed
        case closed
    }

    enum DeadlineAction: Equatable {
        case fail
        case nothing
    }

    enum ShutdownAction: Equatable {
        case sendCloseNotify
        /// The handshake is given up.
        case refuse
        case nothing
    }

    enum CloseAction: Equatable {
        /// The socket goes; the peer is told that this is the end and no cut, if there is room for it.
        case sendCloseNotify
        case nothing
    }

    private(set) var state: State

    init(_ state: State = .handshaking) { self.state = state }

    var isHandshaking: Bool { self.state == .handshaking }
    var isRefusing: Bool { self.state == .refusing }
    var hasFailed: Bool { self.state == .failed }

    /// True while application data can come.
    var mayRead: Bool {
        switch self.state {
        case .open, .finished(peerFinished: false): true
        case .handshaking, .peerFinished, .finished(peerFinished: true), .refusing, .failed, .closed: false
        }
    }

    /// True once the peer has said that nothing more comes.
    var isAtEnd: Bool {
        switch self.state {
        case .peerFinished, .finished(peerFinished: true): true
        case .handshaking, .open, .finished(peerFinished: false), .refusing, .failed, .closed: false
        }
    }

    /// True while application data can be sent.
    var mayWrite: Bool {
        switch self.state {
        case .open, .peerFinished: true
        case .handshaking, .finished, .refusing, .failed, .closed: false
        }
    }

    mutating func handshakeCompleted() {
        switch self.state {
        case .handshaking: self.state = .open
        case .open, .peerFinished, .finished, .refusing, .failed, .closed:
            preconditionFailure("a handshake was completed that did not run")
        }
    }

    /// The handshake met what cannot be agreed on; an alert may be queued.
    mutating func handshakeRefused() {
        switch self.state {
        case .handshaking: self.state = .refusing
        case .open, .peerFinished, .finished, .refusing, .failed, .closed:
            preconditionFailure("a handshake was refused that did not run")
        }
    }

    /// The peer's close_notify, or an end that counts as one.
    mutating func endReceived() {
        switch self.state {
        case .open: self.state = .peerFinished
        case .finished(peerFinished: false): self.state = .finished(peerFinished: true)
        case .handshaking, .peerFinished, .finished(peerFinished: true), .refusing, .failed, .closed:
            preconditionFailure("an end where nothing was read")
        }
    }

    /// Our side is done sending.
    mutating func shutdownRequested() -> ShutdownAction {
        switch self.state {
        case .handshaking:
            self.state = .refusing
            return .refuse
        case .open:
            self.state = .finished(peerFinished: false)
            return .sendCloseNotify
        case .peerFinished:
            self.state = .finished(peerFinished: true)
            return .sendCloseNotify
        case .finished, .refusing, .failed:
            return .nothing
        case .closed:
            preconditionFailure("shut down after close")
        }
    }

    /// The handshake's deadline, or that of a refusal.
    mutating func deadlineReached() -> DeadlineAction {
        switch self.state {
        case .handshaking, .refusing:
            self.state = .failed
            return .fail
        case .open, .peerFinished, .finished, .failed, .closed:
            return .nothing
        }
    }

    /// The socket or a record failed, or a refused peer is done; true for the first time.
    mutating func broke() -> Bool {
        switch self.state {
        case .handshaking, .open, .peerFinished, .finished, .refusing:
            self.state = .failed
            return true
        case .failed, .closed:
            return false
        }
    }

    mutating func closed() -> CloseAction {
        switch self.state {
        case .open, .peerFinished:
            self.state = .closed
            return .sendCloseNotify
        case .handshaking, .finished, .refusing, .failed:
            self.state = .closed
            return .nothing
        case .closed:
            preconditionFailure("closed twice")
        }
    }
}
