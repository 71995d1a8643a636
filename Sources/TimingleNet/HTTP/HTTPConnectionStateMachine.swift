/// One HTTP/1.1 connection: which part of which request is next, what persists, when it ends.
///
/// Loop-confined. No I/O: one request at a time, answers therefore in order, later bytes wait outside.
enum HTTPConnectionStateMachine: ~Copyable {
    /// What outlives a request.
    struct Session: Equatable {
        var served = 0
        /// No further request is taken: draining.
        var isLast = false
        var peerDone = false
    }

    /// What an answer depends on.
    struct Exchange: Equatable {
        var keepAlive: Bool
        var isHead: Bool
        var isHTTP10: Bool
        /// GET by HTTP/1.1 without a body: only these may become a WebSocket.
        var mayUpgrade: Bool
    }

    case idle(Session)
    case readingHead(Session)
    case readingBody(Session, Exchange)
    case handling(Session, Exchange)
    /// The answer's content is on its way, piece by piece; the next request has to wait for its end.
    case sending(Session, closes: Bool)
    case upgraded
    case closing

    enum HeadAction: Equatable {
        case readBody
        case handle
    }

    enum ResponseAction: Equatable {
        case send(HTTPResponseEncoder.Framing)
        case upgrade
        /// The handler wished to upgrade what cannot be.
        case refuseUpgrade
        /// Nobody is there any more.
        case drop
    }

    enum ContentSentAction: Equatable {
        case takeNext
        case close
        /// Nobody is there any more.
        case nothing
    }

    enum FailureAction: Equatable {
        case refuse
        case nothing
    }

    enum PeerClosedAction: Equatable {
        case close
        /// A request runs: it gets a little time to answer a peer that only closed its half.
        case cancelLater
        case nothing
    }

    enum DeadlineAction: Equatable {
        case close
        case refuse(HTTPParseError)
        case cancelRequest
        case nothing
    }

    enum DrainAction: Equatable {
        case close
        case nothing
    }

    enum ClosedAction: Equatable {
        case cancelRequest
        case nothing
    }

    init() { self = .idle(Session()) }

    // MARK: Questions

    var wantsHead: Bool {
        switch self {
        case .idle: true
        case .readingHead: true
        case .readingBody: false
        case .handling: false
        case .sending: false
        case .upgraded: false
        case .closing: false
        }
    }

    var wantsBody: Bool {
        switch self {
        case .readingBody: true
        case .idle: false
        case .readingHead: false
        case .handling: false
        case .sending: false
        case .upgraded: false
        case .closing: false
        }
    }

    /// True between requests: nothing is known of a next one.
    var isIdle: Bool {
        switch self {
        case .idle: true
        case .readingHead: false
        case .readingBody: false
        case .handling: false
        case .sending: false
        case .upgraded: false
        case .closing: false
        }
    }

    /// True while content is sent piece by piece.
    var isSending: Bool {
        switch self {
        case .sending: true
        case .idle: false
        case .readingHead: false
        case .readingBody: false
        case .handling: false
        case .upgraded: false
        case .closing: false
        }
    }

    /// True when the peer sent its end of stream and no request is being handled.
    var isAbandoned: Bool {
        switch self {
        case .idle(let session): session.peerDone
        case .readingHead(let session): session.peerDone
        case .readingBody(let session, _): session.peerDone
        case .handling: false
        case .sending: false
        case .upgraded: false
        case .closing: false
        }
    }

    // MARK: Events

    /// Bytes of a request that are no complete head.
    mutating func headBegan() {
        switch consume self {
        case .idle(let session): self = .readingHead(session)
        case .readingHead(let session): self = .readingHead(session)
        case .readingBody: preconditionFailure("a head began inside a body")
        case .handling: preconditionFailure("a head began while a request is handled: its bytes must wait")
        case .sending: preconditionFailure("a head began while content is sent: its bytes must wait")
        case .upgraded: preconditionFailure("a head began on a WebSocket")
        case .closing: preconditionFailure("a head began on a closing connection")
        }
    }

    mutating func headCompleted(_ head: HTTPRequestHead, requestsMax: Int) -> HeadAction {
        let session: Session
        switch consume self {
        case .idle(let current): session = current
        case .readingHead(let current): session = current
        case .readingBody: preconditionFailure("a head was completed inside a body")
        case .handling: preconditionFailure("a head was completed while a request is handled")
        case .sending: preconditionFailure("a head was completed while content is sent")
        case .upgraded: preconditionFailure("a head was completed on a WebSocket")
        case .closing: preconditionFailure("a head was completed on a closing connection")
        }
        let exchange = Exchange(
            // Behind CONNECT a client may already speak another protocol.
            keepAlive: head.keepAlive && head.kind != .connect && session.served + 1 < requestsMax,
            isHead: head.kind == .head,
            isHTTP10: head.minorVersion == 0,
            mayUpgrade: head.kind == .get && head.minorVersion == 1 && head.framing == .none
        )
        guard head.framing != .none else {
            self = .handling(session, exchange)
            return .handle
        }
        self = .readingBody(session, exchange)
        return .readBody
    }

    mutating func bodyCompleted() {
        switch consume self {
        case .readingBody(let session, let exchange): self = .handling(session, exchange)
        case .idle: preconditionFailure("a body was completed before its head")
        case .readingHead: preconditionFailure("a body was completed before its head")
        case .handling: preconditionFailure("a body was completed twice")
        case .sending: preconditionFailure("a body was completed behind its answer")
        case .upgraded: preconditionFailure("a body was completed on a WebSocket")
        case .closing: preconditionFailure("a body was completed on a closing connection")
        }
    }

    /// `contentFollows`: behind the head there is content that is sent piece by piece, unless nobody wants it (HEAD).
    mutating func responded(wantsUpgrade: Bool, wantsClose: Bool, contentFollows: Bool = false) -> ResponseAction {
        switch consume self {
        case .handling(let session, let exchange):
            if wantsUpgrade {
                guard exchange.mayUpgrade, !session.isLast, !session.peerDone else {
                    self = .handling(session, exchange)
                    return .refuseUpgrade
                }
                self = .upgraded
                return .upgrade
            }
            let close = wantsClose || !exchange.keepAlive || session.isLast
            var framing = HTTPResponseEncoder.Framing()
            framing.isHead = exchange.isHead
            framing.close = close
            framing.sayKeepAlive = exchange.isHTTP10 && !close
            var next = session
            next.served += 1
            if contentFollows, !exchange.isHead {
                self = .sending(next, closes: close)
            } else {
                self = close ? .closing : .idle(next)
            }
            return .send(framing)
        case .closing:
            self = .closing
            return .drop
        case .idle: preconditionFailure("an answer came without a request")
        case .sending: preconditionFailure("an answer came behind an answer")
        case .readingHead: preconditionFailure("an answer came without a request")
        case .readingBody: preconditionFailure("an answer came before the request was handed over")
        case .upgraded: preconditionFailure("an answer came on a WebSocket")
        }
    }

    /// The last piece of content was taken by the kernel.
    mutating func contentSent() -> ContentSentAction {
        switch consume self {
        case .sending(let session, let closes):
            guard closes || session.isLast else {
                self = .idle(session)
                return .takeNext
            }
            self = .closing
            return .close
        case .closing:
            self = .closing
            return .nothing
        case .idle: preconditionFailure("content was sent without a request")
        case .readingHead: preconditionFailure("content was sent without a request")
        case .readingBody: preconditionFailure("content was sent without a request")
        case .handling: preconditionFailure("content was sent before the answer")
        case .upgraded: preconditionFailure("content was sent on a WebSocket")
        }
    }

    /// The peer's bytes were refused, before any handler saw the request.
    mutating func failed() -> FailureAction {
        switch consume self {
        case .idle: self = .closing
        case .readingHead: self = .closing
        case .readingBody: self = .closing
        case .handling: preconditionFailure("bytes were parsed while a request is handled")
        case .sending: preconditionFailure("bytes were parsed while content is sent")
        case .upgraded: preconditionFailure("bytes were parsed as HTTP on a WebSocket")
        case .closing:
            self = .closing
            return .nothing
        }
        return .refuse
    }

    mutating func peerClosed(bytesWait: Bool) -> PeerClosedAction {
        switch consume self {
        case .idle(var session):
            session.peerDone = true
            self = bytesWait ? .idle(session) : .closing
            return bytesWait ? .nothing : .close
        case .readingHead:
            self = .closing
            return .close
        case .readingBody:
            self = .closing
            return .close
        case .handling(var session, let exchange):
            session.peerDone = true
            self = .handling(session, exchange)
            return .cancelLater
        case .sending(var session, let closes):
            session.peerDone = true
            self = .sending(session, closes: closes)
            return .nothing
        case .upgraded:
            self = .upgraded
            return .nothing
        case .closing:
            self = .closing
            return .nothing
        }
    }

    mutating func deadlineReached() -> DeadlineAction {
        switch consume self {
        case .idle:
            self = .closing
            return .close
        case .readingHead:
            self = .closing
            return .refuse(.headTimeout)
        case .readingBody:
            self = .closing
            return .refuse(.bodyTimeout)
        case .handling(let session, let exchange):
            self = .handling(session, exchange)
            return session.peerDone ? .cancelRequest : .nothing
        case .sending(let session, let closes):
            self = .sending(session, closes: closes)
            return .nothing
        case .upgraded:
            self = .upgraded
            return .nothing
        case .closing:
            self = .closing
            return .nothing
        }
    }

    /// The server goes down: idle connections end, a request that runs is the last one.
    mutating func drainRequested(bytesWait: Bool) -> DrainAction {
        switch consume self {
        case .idle(var session):
            session.isLast = true
            self = bytesWait ? .idle(session) : .closing
            return bytesWait ? .nothing : .close
        case .readingHead(var session):
            session.isLast = true
            self = .readingHead(session)
        case .readingBody(var session, let exchange):
            session.isLast = true
            self = .readingBody(session, exchange)
        case .handling(var session, let exchange):
            session.isLast = true
            self = .handling(session, exchange)
        case .sending(var session, let closes):
            session.isLast = true
            self = .sending(session, closes: closes)
        case .upgraded: self = .upgraded
        case .closing: self = .closing
        }
        return .nothing
    }

    mutating func streamClosed() -> ClosedAction {
        switch consume self {
        case .handling:
            self = .closing
            return .cancelRequest
        case .idle: self = .closing
        case .readingHead: self = .closing
        case .readingBody: self = .closing
        case .sending: self = .closing
        case .upgraded: self = .closing
        case .closing: self = .closing
        }
        return .nothing
    }

    /// Nothing further is to be read: the connection's end was asked for.
    mutating func closed() {
        switch consume self {
        case .idle: self = .closing
        case .readingHead: self = .closing
        case .readingBody: self = .closing
        case .closing: self = .closing
        case .handling: preconditionFailure("closed while a request is handled: its answer comes first")
        case .sending: preconditionFailure("closed while content is sent: its end comes first")
        case .upgraded: preconditionFailure("a WebSocket is closed by its own handler")
        }
    }
}
