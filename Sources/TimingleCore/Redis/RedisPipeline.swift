internal import TimingleNet

/// A command under way and who waits for its answer.
struct RedisPendingCommand {
    let bytes: [UInt8]
    let deadline: MonotonicInstant
    let completion: (Result<RedisReply, RedisError>) -> Void
}

/// One loop's way to Redis: a pipelined connection that is made on demand, watched, and made again when it is lost.
///
/// Loop-confined. Over 300 lines because attempts, deadlines and pings all end in the same few states; the decisions
/// are in `RedisPipelineStateMachine`.
final class RedisPipeline: RedisConnectionOwner {
    typealias Completion = (Result<RedisReply, RedisError>) -> Void

    private let loop: EventLoop
    private let configuration: RedisConfiguration
    private let log: Log
    private var machine: RedisPipelineStateMachine = .idle

    private var connection: RedisConnection?
    /// Sent, in order; the first one is the next to be answered.
    private var underWay = RedisCommandQueue()
    /// Not sent: there is no connection yet.
    private var waiting = RedisCommandQueue()
    private var addressesLeft: [String] = []
    private var isResolving = false
    /// Tells an old attempt's late look-up from the current one.
    private var attempt = 0

    private var deadlineTimer: TimerToken?
    private var attemptTimer: TimerToken?
    private var pauseTimer: TimerToken?
    private var pingTimer: TimerToken?
    private var lastReplyAt: MonotonicInstant
    private var lossIsLogged = false

    init(loop: EventLoop, configuration: RedisConfiguration, log: Log) {
        self.loop = loop
        self.configuration = configuration
        self.log = log
        self.lastReplyAt = .now
    }

    var isReady: Bool { self.machine.isReady }

    // MARK: Commands

    func submit(_ bytes: [UInt8], completion: @escaping Completion) {
        guard
            self.underWay.count + self.waiting.count < self.configuration.commandsMax,
            self.underWay.bytes + self.waiting.bytes + bytes.count <= self.configuration.bytesUnderWayMax
        else {
            completion(.failure(RedisError(.overloaded, "too many commands are under way")))
            return
        }
        // `loop.now` may be old in a long turn; the deadline is the caller's, so it counts from the real time.
        let deadline = MonotonicInstant.now + self.configuration.commandTimeout
        let command = RedisPendingCommand(bytes: bytes, deadline: deadline, completion: completion)
        switch self.machine.commandSubmitted() {
        case .send:
            self.send(command)
        case .wait:
            self.waiting.append(command)
            self.armDeadline()
        case .connectAndWait:
            self.waiting.append(command)
            self.armDeadline()
            self.beginAttempt()
        case .failUnavailable:
            completion(.failure(RedisError(.unavailable, "no connection to \(self.configuration.place)")))
        case .failClosed:
            completion(.failure(RedisError(.closed, "the client is closed")))
        }
    }

    func close() {
        self.machine.close()
        self.dropConnection(failing: RedisError(.closed, "the client was closed"))
        self.failWaiting(RedisError(.closed, "the client was closed"))
        for timer in [self.deadlineTimer, self.attemptTimer, self.pauseTimer].compactMap({ $0 }) {
            self.loop.cancel(timer)
        }
        self.deadlineTimer = nil
        self.attemptTimer = nil
        self.pauseTimer = nil
    }

    private func send(_ command: RedisPendingCommand) {
        guard let connection = self.connection, connection.send(command.bytes) else {
            command.completion(.failure(RedisError(.unavailable, "the connection is ending")))
            return
        }
        self.underWay.append(command)
        self.armDeadline()
    }

    // MARK: Connecting

    private func beginAttempt() {
        self.attempt += 1
        let attempt = self.attempt
        self.attemptTimer = self.loop.schedule(after: self.configuration.connectTimeout) { [weak self] in
            self?.attemptTimer = nil
            self?.attemptFailed("no connection within \(self?.configuration.connectTimeout ?? .zero)")
        }
        let host = self.configuration.host
        if RedisResolver.isLiteral(host) {
            self.addressesLeft = [host]
            self.connectToNextAddress(lastReason: "no address")
            return
        }
        // A resolver that hangs is asked once, not once per attempt.
        guard !self.isResolving else { return }
        self.isResolving = true
        let box = LoopBound(self, on: self.loop)
        RedisResolver.resolve(host, on: self.loop) { addresses in
            box.value.addressesFound(addresses, attempt: attempt)
        }
    }

    private func addressesFound(_ addresses: [String], attempt: Int) {
        self.isResolving = false
        guard attempt == self.attempt, self.attemptTimer != nil, self.connection == nil else { return }
        self.addressesLeft = addresses
        self.connectToNextAddress(lastReason: "the host has no address")
    }

    private func connectToNextAddress(lastReason: String) {
        var reason = lastReason
        while !self.addressesLeft.isEmpty {
            let address = self.addressesLeft.removeFirst()
            do throws(RedisError) {
                self.connection = try RedisConnection(
                    address: address,
                    port: self.configuration.port,
                    loop: self.loop,
                    owner: self
                )
                return
            } catch {
                reason = error.message
            }
        }
        self.attemptFailed(reason)
    }

    func connectionOpened(_ connection: RedisConnection) {
        guard connection === self.connection else { return }
        self.addressesLeft = []
        var steps: [[RedisArgument]] = []
        if let password = self.configuration.password {
            let user = self.configuration.username.map { [RedisArgument($0)] } ?? []
            steps.append(["AUTH"] + user + [RedisArgument(password)])
        }
        if self.configuration.database != 0 { steps.append(["SELECT", RedisArgument(self.configuration.database)]) }
        // The last step tells a server that is still loading its data from one that serves.
        steps.append(["PING"])
        for (index, step) in steps.enumerated() {
            let isLast = index == steps.count - 1
            let deadline = MonotonicInstant.now + self.configuration.commandTimeout
            let bytes = RedisCommand.encode(step)
            self.send(
                RedisPendingCommand(bytes: bytes, deadline: deadline) { [unowned self] result in
                    self.handshakeStepAnswered(result, isLast: isLast, of: connection)
                }
            )
        }
    }

    private func handshakeStepAnswered(
        _ result: Result<RedisReply, RedisError>,
        isLast: Bool,
        of connection: RedisConnection
    ) {
        guard connection === self.connection else { return }
        switch result {
        case .success where isLast:
            self.becomeReady()
        case .success:
            return
        case .failure(let error):
            // Called from within hiredis, which forbids dropping; the turn's end is soon enough.
            guard error.code == .server else { return }
            self.connection = nil
            connection.drop()
            _ = self.underWay.takeAll()
            self.attemptFailed(error.message)
        }
    }

    private func becomeReady() {
        self.machine.connectionReady()
        self.cancelAttemptTimer()
        if self.lossIsLogged { self.log.notice("redis is back", ["place": "\(self.configuration.place)"]) }
        self.lossIsLogged = false
        self.lastReplyAt = self.loop.now
        self.armPing()
        for command in self.waiting.takeAll() { self.send(command) }
    }

    private func attemptFailed(_ reason: String) {
        self.cancelAttemptTimer()
        self.addressesLeft = []
        self.dropConnection(failing: RedisError(.unavailable, reason))
        self.ended(reason)
    }

    private func ended(_ reason: String, wasSilent: Bool = false) {
        switch self.machine.connectionEnded(wasSilent: wasSilent) {
        case .connectNow:
            self.log.warning("redis connection lost", ["place": "\(self.configuration.place)", "reason": "\(reason)"])
            self.lossIsLogged = true
            self.beginAttempt()
        case .failWaitingAndBackOff(let failures):
            if !self.lossIsLogged {
                self.log.warning("redis is away", ["place": "\(self.configuration.place)", "reason": "\(reason)"])
            }
            self.lossIsLogged = true
            self.failWaiting(RedisError(.unavailable, reason))
            let pause = RedisPipelineStateMachine.pause(
                failures: failures,
                min: self.configuration.backoffMin,
                max: self.configuration.backoffMax,
                jitter: .random(in: 0...1)
            )
            self.pauseTimer = self.loop.schedule(after: pause) { [weak self] in
                guard let self else { return }
                self.pauseTimer = nil
                if self.machine.pauseElapsed() { self.beginAttempt() }
            }
        case .nothing:
            return
        }
    }

    // MARK: Connection

    func replyReceived(_ reply: RedisReply, from connection: RedisConnection) {
        guard connection === self.connection, let command = self.underWay.popFirst() else { return }
        self.lastReplyAt = self.loop.now
        if case .error(let text) = reply {
            command.completion(.failure(RedisError(.server, text)))
        } else {
            command.completion(.success(reply))
        }
    }

    func connectionClosed(_ reason: String, of connection: RedisConnection) {
        guard connection === self.connection else { return }
        self.connection = nil
        let wasReady = self.machine.isReady
        for command in self.underWay.takeAll() { command.completion(.failure(RedisError(.connectionLost, reason))) }
        if !wasReady, !self.addressesLeft.isEmpty {
            self.connectToNextAddress(lastReason: reason)
        } else {
            self.cancelAttemptTimer()
            self.stopPing()
            self.ended(reason)
        }
    }

    private func dropConnection(failing error: RedisError) {
        self.stopPing()
        let connection = self.connection
        self.connection = nil
        connection?.drop()
        for command in self.underWay.takeAll() { command.completion(.failure(error)) }
    }

    private func failWaiting(_ error: RedisError) {
        for command in self.waiting.takeAll() { command.completion(.failure(error)) }
    }

    // MARK: Deadlines

    /// One timer for the earliest deadline; it is not moved when that command is answered, it looks again.
    private func armDeadline() {
        guard self.deadlineTimer == nil else { return }
        guard let deadline = [self.underWay.first?.deadline, self.waiting.first?.deadline].compactMap({ $0 }).min()
        else { return }
        self.deadlineTimer = self.loop.schedule(at: deadline) { [weak self] in
            guard let self else { return }
            self.deadlineTimer = nil
            self.expire()
            self.armDeadline()
        }
    }

    private func expire() {
        let now = self.loop.now
        while let first = self.waiting.first, first.deadline <= now {
            _ = self.waiting.popFirst()
            first.completion(.failure(RedisError(.unavailable, "no connection within the command's deadline")))
        }
        guard let first = self.underWay.first, first.deadline <= now else { return }
        // Answers come in order, so a late one holds up all behind it: the connection is of no use to anybody.
        let timeout = RedisError(.timeout, "no answer within \(self.configuration.commandTimeout)")
        let wasReady = self.machine.isReady
        while let late = self.underWay.first, late.deadline <= now {
            _ = self.underWay.popFirst()
            late.completion(.failure(timeout))
        }
        guard wasReady else {
            self.attemptFailed(timeout.message)
            return
        }
        self.dropConnection(failing: RedisError(.connectionLost, "dropped: a command before this one got no answer"))
        self.ended(timeout.message, wasSilent: true)
    }

    private func cancelAttemptTimer() {
        if let timer = self.attemptTimer { self.loop.cancel(timer) }
        self.attemptTimer = nil
    }

    // MARK: Half-open connections

    private func armPing() {
        self.stopPing()
        self.pingTimer = self.loop.schedule(after: self.configuration.pingInterval) { [weak self] in
            guard let self else { return }
            self.pingTimer = nil
            guard self.machine.isReady else { return }
            if self.underWay.count == 0, self.loop.now - self.lastReplyAt >= self.configuration.pingInterval / 2 {
                // The command's own deadline finds a server that does not answer.
                self.submit(RedisCommand.encode(["PING"])) { _ in }
            }
            self.armPing()
        }
    }

    private func stopPing() {
        if let timer = self.pingTimer { self.loop.cancel(timer) }
        self.pingTimer = nil
    }
}
