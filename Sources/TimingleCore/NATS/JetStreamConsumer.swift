package import TimingleNet

/// Pulls the messages of one durable consumer, shared with whoever else pulls from it.
///
/// Loop-confined. At most `demand` messages are asked for and not yet received. One pull request at a time; each has a
/// deadline of its own, and a new connection ends it, because a server forgets the requests of a lost connection.
package final class JetStreamConsumer {
    private enum Pull {
        case idle
        case open(token: UInt64, remaining: Int, deadline: TimerToken)
        case backingOff(TimerToken)
        case stopped
    }

    private static let expiry: Duration = .seconds(10)
    private static let grace: Duration = .seconds(2)
    private static let stallAfter: Duration = .seconds(30)

    private let loop: EventLoop
    private let client: JetStreamClient
    private let settings: JetStreamConsumerSettings
    private let log: Log
    private let inbox: String
    private var pull: Pull = .idle
    private var nextToken: UInt64 = 1
    private var failures = 0
    private var isReady = false
    /// Tells what was begun for a connection that is gone from what counts.
    private var round: UInt64 = 0
    private var lastArrival: MonotonicInstant = .now
    private let prepare: (@escaping () -> Void) -> Void
    private let demand: () -> Int
    private let receive: (JetStreamDelivery) -> Void

    /// `demand` says how many more messages are wanted; `receive` takes one.
    ///
    /// `prepare` is called whenever the consumer was seen to be there, and nothing is asked for until it says so.
    package init(
        loop: EventLoop,
        client: JetStreamClient,
        settings: JetStreamConsumerSettings,
        log: Log,
        prepare: @escaping (@escaping () -> Void) -> Void = { $0() },
        demand: @escaping () -> Int,
        receive: @escaping (JetStreamDelivery) -> Void
    ) {
        self.loop = loop
        self.client = client
        self.settings = settings
        self.log = log.labelled("consumer").with("consumer", "\(settings.durable)")
        self.inbox = client.connection.makeInbox()
        self.prepare = prepare
        self.demand = demand
        self.receive = receive
    }

    /// Subscribes, makes the consumer (trying until it succeeds) and begins to pull.
    package func start() {
        let bound = LoopBound(self, on: self.loop)
        self.client.connection.subscribe("\(self.inbox).*") { message in
            bound.loop.execute { bound.value.arrived(message) }
        }
        self.client.connection.onConnected {
            bound.loop.execute { bound.value.reconnected() }
        }
        self.ensure()
        self.watch()
    }

    /// Asks for no more; what was asked for before may still arrive.
    package func stop() {
        self.cancelTimer()
        self.pull = .stopped
    }

    /// The demand may have grown.
    package func demandChanged() {
        guard self.isReady, case .idle = self.pull else { return }
        let count = self.demand()
        guard count > 0 else { return }
        self.request(count)
    }

    package func settle(_ delivery: JetStreamDelivery, _ settlement: JetStreamSettlement) {
        self.client.connection.publish(
            NATSOutgoing(subject: delivery.replySubject, payload: settlement.payload)
        )
    }

    // MARK: Pulling

    private func request(_ count: Int) {
        let token = self.nextToken
        self.nextToken += 1
        let body = JSONWriter.object { writer in
            writer.field("batch", count)
            writer.field("expires", Self.expiry.wholeNanoseconds)
        }
        let message = NATSOutgoing(
            subject: "$JS.API.CONSUMER.MSG.NEXT.\(self.settings.stream).\(self.settings.durable)",
            reply: "\(self.inbox).\(token)",
            payload: body
        )
        let deadline = self.loop.schedule(at: .now + Self.expiry + Self.grace) { [weak self] in
            self?.pullEnded(token: token, isFailure: false)
        }
        self.pull = .open(token: token, remaining: count, deadline: deadline)
        let bound = LoopBound(self, on: self.loop)
        self.client.connection.publish(message) { _ in
            bound.loop.execute { bound.value.pullEnded(token: token, isFailure: true) }
        }
    }

    private func arrived(_ message: NATSMessage) {
        if case .stopped = self.pull {
            // What was asked for before is for the receiver to give back.
            if message.status == nil, let delivery = JetStreamDelivery(message) { self.receive(delivery) }
            return
        }
        if let status = message.status {
            guard status != 100 else { return }
            let token = message.subject.split(separator: ".").last.flatMap { UInt64($0) } ?? 0
            // 404 and 408: nothing more in this pull. 409 and 503: the consumer cannot serve now, or is gone.
            let isFailure = status != 404 && status != 408
            if isFailure { self.log.debug("pull refused", ["status": LogValue(status)]) }
            self.pullEnded(token: token, isFailure: isFailure)
            return
        }
        guard let delivery = JetStreamDelivery(message) else { return }
        self.lastArrival = .now
        self.failures = 0
        // A delivery bears its stream's subject, not our inbox: it counts for the pull that is open. One of an earlier
        // pull makes us ask a little early, which is harmless.
        if case .open(let token, let remaining, let deadline) = self.pull {
            if remaining > 1 {
                self.pull = .open(token: token, remaining: remaining - 1, deadline: deadline)
            } else {
                self.loop.cancel(deadline)
                self.pull = .idle
            }
        }
        self.receive(delivery)
        self.demandChanged()
    }

    private func pullEnded(token: UInt64, isFailure: Bool) {
        guard case .open(token, _, let deadline) = self.pull else { return }
        self.loop.cancel(deadline)
        self.pull = .idle
        if isFailure { self.backOff() } else { self.demandChanged() }
    }

    /// Waits, then looks whether the consumer still exists before it pulls again.
    private func backOff() {
        self.isReady = false
        self.failures += 1
        let delay = Duration.milliseconds(min(50 << min(self.failures, 6), 2_000) + Int.random(in: 0..<50))
        let timer = self.loop.schedule(at: .now + delay) { [weak self] in
            guard let self else { return }
            self.pull = .idle
            self.ensure()
        }
        self.pull = .backingOff(timer)
    }

    private func reconnected() {
        if case .stopped = self.pull { return }
        self.cancelTimer()
        self.pull = .idle
        self.isReady = false
        self.failures = 0
        self.ensure()
    }

    private func cancelTimer() {
        switch self.pull {
        case .open(_, _, let deadline), .backingOff(let deadline): self.loop.cancel(deadline)
        case .idle, .stopped: break
        }
    }

    // MARK: Existence and progress

    private func ensure() {
        self.round += 1
        let round = self.round
        let bound = LoopBound(self, on: self.loop)
        let client = self.client
        let settings = self.settings
        Task(executorPreference: self.loop) {
            do throws(NATSError) {
                try await client.ensureConsumer(settings)
                bound.value.ensured(round, nil)
            } catch {
                bound.value.ensured(round, error)
            }
        }
    }

    private func ensured(_ round: UInt64, _ error: NATSError?) {
        guard round == self.round, case .idle = self.pull, !self.isReady else { return }
        guard let error else { return self.prepare { [weak self] in self?.prepared(round) } }
        // The first tries of a start meet streams that are being made: nothing to warn of.
        if self.failures % 20 == 3 {
            self.log.warning("consumer is not there yet", ["error": "\(error)"])
        }
        self.backOff()
    }

    private func prepared(_ round: UInt64) {
        guard round == self.round, case .idle = self.pull, !self.isReady else { return }
        self.isReady = true
        self.demandChanged()
    }

    /// Looks now and then whether a quiet consumer ought not to be quiet.
    private func watch() {
        self.loop.schedule(at: .now + Self.stallAfter) { [weak self] in
            guard let self else { return }
            if case .stopped = self.pull { return }
            self.watch()
            guard self.isReady, self.demand() > 0, self.lastArrival + Self.stallAfter <= .now else { return }
            self.inspect()
        }
    }

    private func inspect() {
        let client = self.client
        let settings = self.settings
        let log = self.log
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) {
            guard let state = try? await client.consumerState(settings), state.pending > 0 else { return }
            log.error(
                "consumer stands still",
                ["pending": LogValue(state.pending), "unacknowledged": LogValue(state.unacknowledged)]
            )
            bound.value.reconnected()
        }
    }
}
