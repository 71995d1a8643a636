/// The life of one connection: options, startup, authenticating, ready, draining, closed.
///
/// Loop-confined. No I/O: the hands ask and perform. OPTIONS is on its way when it begins.
enum CQLConnectionStateMachine: ~Copyable {
    /// OPTIONS is out: what can the server do?
    case options
    /// STARTUP is out.
    case startup
    /// The credentials are out.
    case authenticating
    /// Requests go out.
    case ready
    /// No more requests are taken; those under way are answered first.
    case draining
    case closed

    /// What came on the stream of the handshake.
    enum Answer: Equatable, CaseIterable {
        case supported
        case ready
        case authenticate
        case authChallenge
        case authSuccess
        case error
        /// Something that belongs to no handshake.
        case other
    }

    enum AnsweredAction: Equatable {
        case sendStartup
        case sendCredentials
        case becomeReady
        /// The server said why not.
        case refused
        /// The server asks what PLAIN has no answer to.
        case failUnknownMechanism
        case failUnexpected
        /// It is the answer to somebody's request.
        case route
        case ignore
    }

    enum DrainAction: Equatable {
        /// Come back with `lastAnswered`.
        case wait
        case close
        case nothing
    }

    var isHandshaking: Bool {
        switch self {
        case .options: true
        case .startup: true
        case .authenticating: true
        case .ready: false
        case .draining: false
        case .closed: false
        }
    }

    var takesRequests: Bool {
        switch self {
        case .ready: true
        case .options: false
        case .startup: false
        case .authenticating: false
        case .draining: false
        case .closed: false
        }
    }

    var isClosed: Bool {
        switch self {
        case .closed: true
        case .options: false
        case .startup: false
        case .authenticating: false
        case .ready: false
        case .draining: false
        }
    }

    mutating func answered(_ answer: Answer) -> AnsweredAction {
        switch consume self {
        case .options:
            switch answer {
            case .supported:
                self = .startup
                return .sendStartup
            case .error:
                self = .options
                return .refused
            case .ready, .authenticate, .authChallenge, .authSuccess, .other:
                self = .options
                return .failUnexpected
            }
        case .startup:
            switch answer {
            case .ready:
                self = .ready
                return .becomeReady
            case .authenticate:
                self = .authenticating
                return .sendCredentials
            case .error:
                self = .startup
                return .refused
            case .supported, .authChallenge, .authSuccess, .other:
                self = .startup
                return .failUnexpected
            }
        case .authenticating:
            switch answer {
            case .authSuccess:
                self = .ready
                return .becomeReady
            case .authChallenge:
                self = .authenticating
                return .failUnknownMechanism
            case .error:
                self = .authenticating
                return .refused
            case .supported, .ready, .authenticate, .other:
                self = .authenticating
                return .failUnexpected
            }
        case .ready:
            self = .ready
            return .route
        case .draining:
            self = .draining
            return .route
        case .closed:
            self = .closed
            return .ignore
        }
    }

    /// No more requests are wanted.
    mutating func drain(inFlightIsEmpty: Bool) -> DrainAction {
        switch consume self {
        case .options:
            self = .closed
            return .close
        case .startup:
            self = .closed
            return .close
        case .authenticating:
            self = .closed
            return .close
        case .ready:
            self = inFlightIsEmpty ? .closed : .draining
            return inFlightIsEmpty ? .close : .wait
        case .draining:
            self = .draining
            return .nothing
        case .closed:
            self = .closed
            return .nothing
        }
    }

    /// Nobody waits for an answer any more.
    mutating func lastAnswered() -> DrainAction {
        switch consume self {
        case .draining:
            self = .closed
            return .close
        case .options:
            self = .options
            return .nothing
        case .startup:
            self = .startup
            return .nothing
        case .authenticating:
            self = .authenticating
            return .nothing
        case .ready:
            self = .ready
            return .nothing
        case .closed:
            self = .closed
            return .nothing
        }
    }

    /// The deadline for becoming ready; true where that has not happened.
    mutating func connectDeadlineReached() -> Bool {
        switch consume self {
        case .options:
            self = .closed
            return true
        case .startup:
            self = .closed
            return true
        case .authenticating:
            self = .closed
            return true
        case .ready: self = .ready
        case .draining: self = .draining
        case .closed: self = .closed
        }
        return false
    }

    /// Ends at once, for whatever reason; true for the first time.
    mutating func close() -> Bool {
        switch consume self {
        case .closed:
            self = .closed
            return false
        case .options: self = .closed
        case .startup: self = .closed
        case .authenticating: self = .closed
        case .ready: self = .closed
        case .draining: self = .closed
        }
        return true
    }
}
