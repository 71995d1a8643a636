internal import TimingleNet

/// Decides which node the control connection goes to, and when the tables are read.
///
/// Loop-confined. No I/O, clock or randomness inside: jitter arrives as an argument.
struct ControlConnectionStateMachine: ~Copyable {
    enum Action: Equatable {
        case nothing
        /// Come back with `candidatesFound`.
        case findCandidates
        /// Connect and register for events; come back with `connected` or `lost`.
        case connect(SocketAddress)
        /// Come back with `tablesRead` or `lost`.
        case readTables
        /// Nobody could be reached; come back with `pauseEnded`.
        case pause(Duration)
        case end
    }

    enum State: Equatable {
        case idle(ReconnectBackoff)
        case searching(ReconnectBackoff)
        case connecting(ReconnectBackoff, left: [SocketAddress])
        /// `again` when something changed since the reading began.
        case reading(ReconnectBackoff, left: [SocketAddress], again: Bool)
        case ready(ReconnectBackoff)
        case pausing(ReconnectBackoff)
        case closed
    }

    private(set) var state: State

    init(backoff: ReconnectBackoff) { self.state = .idle(backoff) }

    var isClosed: Bool { self.state == .closed }

    mutating func start() -> Action {
        switch self.state {
        case .idle(let backoff):
            self.state = .searching(backoff)
            return .findCandidates
        case .closed:
            return .nothing
        case .searching, .connecting, .reading, .ready, .pausing:
            preconditionFailure("a control connection is started once")
        }
    }

    mutating func candidatesFound(_ candidates: [SocketAddress], jitter: Double) -> Action {
        switch self.state {
        case .searching(let backoff):
            return self.tryNext(candidates, backoff, jitter: jitter)
        case .closed:
            return .nothing
        case .idle, .connecting, .reading, .ready, .pausing:
            preconditionFailure("candidates came that nobody looked for")
        }
    }

    /// The node takes requests, and will tell of events.
    mutating func connected() -> Action {
        switch self.state {
        case .connecting(let backoff, let left):
            self.state = .reading(backoff, left: left, again: false)
            return .readTables
        case .closed:
            return .nothing
        case .idle, .searching, .reading, .ready, .pausing:
            preconditionFailure("a connection came up that nobody made")
        }
    }

    mutating func tablesRead() -> Action {
        switch self.state {
        case .reading(var backoff, let left, let again):
            backoff.succeeded()
            guard !again else {
                self.state = .reading(backoff, left: left, again: false)
                return .readTables
            }
            self.state = .ready(backoff)
            return .nothing
        case .closed:
            return .nothing
        case .idle, .searching, .connecting, .ready, .pausing:
            preconditionFailure("tables were read that nobody asked for")
        }
    }

    /// An attempt failed, or the connection ended, or the tables could not be read.
    mutating func lost(jitter: Double) -> Action {
        switch self.state {
        case .connecting(let backoff, let left), .reading(let backoff, let left, _):
            return self.tryNext(left, backoff, jitter: jitter)
        case .ready(let backoff):
            self.state = .searching(backoff)
            return .findCandidates
        case .closed:
            return .nothing
        case .idle, .searching, .pausing:
            preconditionFailure("a connection was lost that nobody had")
        }
    }

    mutating func pauseEnded() -> Action {
        switch self.state {
        case .pausing(let backoff):
            self.state = .searching(backoff)
            return .findCandidates
        case .closed:
            return .nothing
        case .idle, .searching, .connecting, .reading, .ready:
            preconditionFailure("a pause ended that had not begun")
        }
    }

    /// It is time to read the tables again, because of events or of age.
    mutating func refreshDue() -> Action {
        switch self.state {
        case .ready(let backoff):
            self.state = .reading(backoff, left: [], again: false)
            return .readTables
        case .reading(let backoff, let left, _):
            self.state = .reading(backoff, left: left, again: true)
            return .nothing
        // Whoever comes up reads them anyway.
        case .idle, .searching, .connecting, .pausing, .closed:
            return .nothing
        }
    }

    mutating func close() -> Action {
        switch self.state {
        case .closed:
            return .nothing
        case .idle, .searching, .connecting, .reading, .ready, .pausing:
            self.state = .closed
            return .end
        }
    }

    private mutating func tryNext(
        _ candidates: [SocketAddress],
        _ backoff: ReconnectBackoff,
        jitter: Double
    ) -> Action {
        var backoff = backoff
        guard let first = candidates.first else {
            let pause = backoff.failed(jitter: jitter)
            self.state = .pausing(backoff)
            return .pause(pause)
        }
        self.state = .connecting(backoff, left: Array(candidates.dropFirst()))
        return .connect(first)
    }
}
