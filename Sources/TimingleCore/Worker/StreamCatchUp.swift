internal import TimingleNet

/// Stores what somebody was given and left, before anything new is asked for.
///
/// Loop-confined. The broker gives a killed worker's messages to another one only after the ack wait, and what was
/// published later does not wait for them: rooms would lack items in their middle. So they are read straight from the
/// stream and stored, at the start and after each reconnect. Nothing is acknowledged by this; when they come again they
/// are stored already. What is poison, and what is beyond the limits, is left to that.
final class StreamCatchUp<Sink: StreamSink> {
    /// How far the first round is; told once each.
    enum Progress {
        /// What waited at the start has to wait longer: the store is away, or it is too much.
        case waiting
        /// What waited at the start is settled.
        case caughtUp
    }

    /// What waited in the stream when a round began.
    private struct Backlog {
        /// Its last place.
        var end: UInt64
        /// Whether all of it that somebody was given is stored.
        var isWhole: Bool
    }

    private enum Failure: Error {
        case broker(NATSError)
        case store(StoreError)
    }

    /// Messages that are asked for at once; each may be as large as the broker allows.
    private static var readWidth: UInt64 { 16 }
    private static var batchBytesMax: Int { 1 << 20 }

    private let loop: EventLoop
    private let client: JetStreamClient
    private let settings: JetStreamConsumerSettings
    private let sink: Sink
    private let limits: StreamWorkerLimits
    private let log: Log
    /// Whether something up to this place was delivered to us and is not settled.
    private let isInHand: (UInt64) -> Bool
    private let stored: (Int) -> Void
    private let progress: (Progress) -> Void
    private var task: Task<Void, Never>?
    private var round = 0
    private var isStopped = false
    private var roundsRunning = 0
    private var stops: [() -> Void] = []
    private var told: Progress?

    init(
        loop: EventLoop,
        client: JetStreamClient,
        settings: JetStreamConsumerSettings,
        sink: Sink,
        limits: StreamWorkerLimits,
        log: Log,
        isInHand: @escaping (UInt64) -> Bool,
        stored: @escaping (Int) -> Void,
        progress: @escaping (Progress) -> Void
    ) {
        self.loop = loop
        self.client = client
        self.settings = settings
        self.sink = sink
        self.limits = limits
        self.log = log
        self.isInHand = isInHand
        self.stored = stored
        self.progress = progress
    }

    /// Begins a round, in place of one that still runs; `pull` is called when new messages may be asked for.
    func begin(then pull: @escaping () -> Void) {
        guard !self.isStopped else { return }
        if self.round == 0 {
            self.loop.schedule(at: .now + self.limits.startPatience) { [weak self] in self?.tell(.waiting) }
        }
        self.task?.cancel()
        self.round += 1
        self.roundsRunning += 1
        let (round, bound, pull) = (self.round, LoopBound(self, on: self.loop), LoopBound(pull, on: self.loop))
        self.task = Task(executorPreference: self.loop) { await bound.value.run(round, pull) }
    }

    /// Ends, and says so when no round has anything in the store's hands any more.
    func stop(_ stopped: @escaping () -> Void) {
        self.isStopped = true
        self.task?.cancel()
        guard self.roundsRunning > 0 else { return stopped() }
        self.stops.append(stopped)
    }

    /// Something of what is new could not be stored: nobody is to wait for it.
    func storeFailed() { self.tell(.waiting) }

    private func counts(_ round: Int) -> Bool { round == self.round && !self.isStopped }

    private func tell(_ progress: Progress) {
        switch (self.told, progress) {
        case (nil, _), (.waiting?, .caughtUp):
            self.told = progress
            self.progress(progress)
        case (.waiting?, .waiting), (.caughtUp?, _): break
        }
    }

    // MARK: A round

    private func run(_ round: Int, _ pull: LoopBound<() -> Void>) async {
        let backlog = await self.storeUnsettled(round)
        if self.counts(round) {
            pull.value()
            if self.told != .caughtUp { await self.waitUntilSettled(backlog, round) }
        }
        self.roundsRunning -= 1
        guard self.roundsRunning == 0 else { return }
        let stops = self.stops
        self.stops = []
        for stopped in stops { stopped() }
    }

    /// Tries until it is done; nil when it was given up.
    private func storeUnsettled(_ round: Int) async -> Backlog? {
        let deadline = MonotonicInstant.now + self.limits.catchUpPatience
        var attempt = 0
        while self.counts(round) {
            attempt += 1
            do throws(Failure) {
                return try await self.attempt(round)
            } catch {
                guard self.counts(round) else { return nil }
                self.log.warning("what was left is not stored yet", ["error": "\(error)"])
                switch error {
                case .broker: if MonotonicInstant.now >= deadline { return nil }
                // Nothing new could be stored either, so it waits with all that follows, and the order stays.
                case .store: self.tell(.waiting)
                }
            }
            guard (try? await pause(self.limits.retryDelay(attempt: attempt))) != nil else { return nil }
        }
        return nil
    }

    private func attempt(_ round: Int) async throws(Failure) -> Backlog {
        let state = try await self.read { client throws(NATSError) in try await client.consumerState(self.settings) }
        guard let unsettled = state.unsettled else { return Backlog(end: state.end, isWhole: true) }
        let stream = self.settings.stream
        // The stream may have forgotten the beginning.
        let first = try await self.read { client throws(NATSError) in
            try await client.nextMessage(stream: stream, subject: ">", from: unsettled.lowerBound)
        }
        var next = first?.sequence ?? .max
        var (count, bytes) = (0, 0)
        while next <= unsettled.upperBound, self.counts(round) {
            guard count < self.limits.catchUpCountMax, bytes < self.limits.catchUpBytesMax else {
                self.log.notice("more was left than is stored at once", ["stored": LogValue(count)])
                return Backlog(end: state.end, isWhole: false)
            }
            let batch = try await self.batch(from: next, to: unsettled.upperBound)
            next = batch.end
            count += batch.payloads.count
            bytes += batch.bytes
            try await self.store(batch.payloads)
        }
        if count > 0 { self.log.info("what was left was looked at", ["count": LogValue(count)]) }
        return Backlog(end: state.end, isWhole: true)
    }

    private func read<Answer>(
        _ body: (JetStreamClient) async throws(NATSError) -> Answer
    ) async throws(Failure) -> Answer {
        do throws(NATSError) {
            return try await body(self.client)
        } catch {
            throw .broker(error)
        }
    }

    /// What one write takes of what lies from `first` to `last`, and the place behind it.
    private func batch(
        from first: UInt64,
        to last: UInt64
    ) async throws(Failure) -> (payloads: [[UInt8]], bytes: Int, end: UInt64) {
        let stream = self.settings.stream
        var payloads: [[UInt8]] = []
        var bytes = 0
        var next = first
        while next <= last, payloads.count < self.limits.batchSizeMax, bytes < Self.batchBytesMax {
            let places = next...min(last, next + Self.readWidth - 1)
            let items = try await self.read { client throws(NATSError) in
                try await client.messages(stream: stream, at: places)
            }
            payloads += items.map(\.payload)
            bytes += items.reduce(0) { $0 + $1.payload.count }
            next = places.upperBound + 1
        }
        return (payloads, bytes, next)
    }

    private func store(_ payloads: [[UInt8]]) async throws(Failure) {
        let records = payloads.compactMap { self.sink.decode($0) }
        guard !records.isEmpty else { return }
        do throws(StoreError) {
            let refused = try await self.sink.store(sparing: records)
            self.stored(records.count - refused.count)
        } catch {
            throw .store(error)
        }
    }

    // MARK: The start

    /// Waits until what waited in the stream, given to somebody or not, is settled: by us, or by other workers.
    private func waitUntilSettled(_ backlog: Backlog?, _ round: Int) async {
        if backlog?.isWhole != true { self.tell(.waiting) }
        var backlog = backlog
        var times = 0
        var delay: Duration = .milliseconds(20)
        while self.counts(round) {
            if let state = try? await self.client.consumerState(self.settings) {
                let wanted = backlog ?? Backlog(end: state.end, isWhole: false)
                backlog = wanted
                let isDelivered = state.pending == 0 || state.deliveredUpTo >= wanted.end
                let isSettled = state.unacknowledged == 0 || state.settledUpTo >= wanted.end
                let isDone = isDelivered && (wanted.isWhole || isSettled) && !self.isInHand(wanted.end)
                // Twice: a delivery may be on its way to us.
                times = isDone ? times + 1 : 0
            }
            guard self.counts(round) else { return }
            if times > 1 { return self.tell(.caughtUp) }
            guard (try? await pause(delay)) != nil else { return }
            delay = min(delay * 2, .seconds(1))
        }
    }
}
