internal import Synchronization
package import TimingleNet

/// What a worker has done; for the metrics.
package struct StreamWorkerCounts: Sendable, Equatable {
    package var stored = 0
    package var deadLettered = 0
    package var failures = 0
    package var redelivered = 0
    /// Stored before they came again; not in `stored`, which counts what was acknowledged.
    package var caughtUp = 0
}

/// Consumes a stream in batches: store, then acknowledge, in that order.
///
/// Any thread; works on one loop. What the store refuses for now is kept and tried again with back-off, while the
/// broker is told that work goes on. What can never be stored goes to the dead-letter stream, is counted and logged.
/// What somebody else was given and left is stored first: `StreamCatchUp`.
package final class StreamWorker<Sink: StreamSink>: Sendable {
    private let loop: EventLoop
    private let hands: LoopBound<StreamWorkerHands<Sink>>
    private let counter = Mutex(StreamWorkerCounts())
    private let lookedBack = Atomic<Bool>(false)

    package init(
        loop: EventLoop,
        client: JetStreamClient,
        consumer: JetStreamConsumerSettings,
        sink: Sink,
        deadLetterSubject: String,
        limits: StreamWorkerLimits = StreamWorkerLimits(),
        log: Log
    ) {
        self.loop = loop
        self.hands = LoopBound(
            StreamWorkerHands(
                loop: loop,
                client: client,
                settings: consumer,
                sink: sink,
                deadLetterSubject: deadLetterSubject,
                limits: limits,
                log: log.labelled("worker").with("consumer", "\(consumer.durable)")
            ),
            on: loop
        )
    }

    /// Begins; `caughtUp` is called once, on the loop, when all that waited in the stream at the start is settled.
    package func start(caughtUp: @escaping @Sendable () -> Void = {}) {
        let hands = self.hands
        self.loop.execute {
            hands.value.count = { [weak self] change in self?.counter.withLock { change(&$0) } }
            hands.value.start { [weak self] step in
                self?.lookedBack.store(true, ordering: .releasing)
                if step == .caughtUp { caughtUp() }
            }
        }
    }

    /// True once what waited in the stream at the start is settled, or has to wait: the store is away, or it is much.
    package var hasLookedBack: Bool { self.lookedBack.load(ordering: .acquiring) }

    package var counts: StreamWorkerCounts { self.counter.withLock { $0 } }

    /// Asks for no more and waits until the batch in hand is stored and acknowledged, at most `deadline`.
    package func drain(deadline: Duration) async {
        let hands = self.hands
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            hands.loop.execute { hands.value.drain(deadline: deadline) { continuation.resume() } }
        }
    }
}

/// The loop's part of a worker.
///
/// Loop-confined.
final class StreamWorkerHands<Sink: StreamSink> {
    struct Item: PersistItem, Sendable {
        let record: Sink.Record
        let delivery: JetStreamDelivery
        var sequence: UInt64 { self.delivery.sequence }
    }

    private let loop: EventLoop
    private let client: JetStreamClient
    private let settings: JetStreamConsumerSettings
    private let sink: Sink
    private let deadLetterSubject: String
    private let limits: StreamWorkerLimits
    private let log: Log
    private var machine: PersistBatchStateMachine<Item>
    private var consumer: JetStreamConsumer?
    private var catchUp: StreamCatchUp<Sink>?
    private var timer: TimerToken?
    private var drained: [() -> Void] = []
    var count: ((inout StreamWorkerCounts) -> Void) -> Void = { _ in }

    init(
        loop: EventLoop,
        client: JetStreamClient,
        settings: JetStreamConsumerSettings,
        sink: Sink,
        deadLetterSubject: String,
        limits: StreamWorkerLimits,
        log: Log
    ) {
        self.loop = loop
        self.client = client
        self.settings = settings
        self.sink = sink
        self.deadLetterSubject = deadLetterSubject
        self.limits = limits
        self.log = log
        self.machine = PersistBatchStateMachine(sizeMax: limits.batchSizeMax, ageMax: limits.batchAgeMax)
    }

    func start(progress: @escaping (StreamCatchUp<Sink>.Progress) -> Void) {
        // Whoever is told to begin may have been told to end before.
        guard !self.machine.isDrained else { return }
        let catchUp = StreamCatchUp(
            loop: self.loop,
            client: self.client,
            settings: self.settings,
            sink: self.sink,
            limits: self.limits,
            log: self.log,
            isInHand: { [weak self] last in self?.machine.inHand.contains { $0.sequence <= last } ?? false },
            stored: { [weak self] count in self?.count { $0.caughtUp += count } },
            progress: progress
        )
        self.catchUp = catchUp
        let consumer = JetStreamConsumer(
            loop: self.loop,
            client: self.client,
            settings: self.settings,
            log: self.log,
            prepare: { pull in catchUp.begin(then: pull) },
            demand: { [weak self] in self?.machine.room ?? 0 },
            receive: { [weak self] in self?.received($0) }
        )
        self.consumer = consumer
        consumer.start()
        self.keepAlive()
    }

    private func received(_ delivery: JetStreamDelivery) {
        if delivery.deliveryCount > 1 { self.count { $0.redelivered += 1 } }
        guard !self.machine.isDrained, self.drained.isEmpty else {
            self.consumer?.settle(delivery, .nak(after: .zero))
            return
        }
        guard let record = self.sink.decode(delivery.payload) else {
            self.bury([delivery], reason: "the payload cannot be read")
            return
        }
        self.run(self.machine.received(Item(record: record, delivery: delivery), now: .now))
    }

    private func run(_ action: PersistBatchStateMachine<Item>.Action) {
        switch action {
        case .nothing: break
        case .wake(let time):
            if let timer = self.timer { self.loop.cancel(timer) }
            self.timer = self.loop.schedule(at: time) { [weak self] in
                guard let self else { return }
                self.timer = nil
                self.run(self.machine.deadlineReached(now: .now))
            }
        case .write(let items):
            self.write(items)
        case .finish:
            self.finish()
        }
    }

    // MARK: Writing

    private func write(_ items: [Item]) {
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) { await bound.value.perform(items) }
    }

    private func perform(_ items: [Item]) async {
        do throws(StoreError) {
            let refused = try await self.sink.store(sparing: items.map(\.record))
            self.written(refused: Dictionary(uniqueKeysWithValues: refused.map { (items[$0].sequence, $1) }))
        } catch {
            self.notWritten(error)
        }
    }

    private func written(refused: [UInt64: String]) {
        let (settled, action) = self.machine.writeSucceeded(now: .now)
        var buried: [JetStreamDelivery] = []
        for item in settled {
            if refused[item.sequence] != nil {
                buried.append(item.delivery)
            } else {
                self.consumer?.settle(item.delivery, .ack)
            }
        }
        self.count { $0.stored += settled.count - buried.count }
        if !buried.isEmpty { self.bury(buried, reason: refused.values.first ?? "refused") }
        self.run(action)
        self.consumer?.demandChanged()
    }

    private func notWritten(_ error: StoreError) {
        self.count { $0.failures += 1 }
        self.catchUp?.storeFailed()
        self.log.warning("batch not stored; trying again", ["error": "\(error)"])
        let limits = self.limits
        self.run(self.machine.writeFailed(now: .now) { limits.retryDelay(attempt: $0) })
    }

    /// Tells the broker, well within its patience, that what is in hand is still being worked on.
    private func keepAlive() {
        self.loop.schedule(at: .now + self.settings.ackWait / 3) { [weak self] in
            guard let self, !self.machine.isDrained else { return }
            for item in self.machine.inHand { self.consumer?.settle(item.delivery, .inProgress) }
            self.keepAlive()
        }
    }

    // MARK: Dead letters

    /// Puts what can never be stored aside, and only then tells the broker to forget it.
    private func bury(_ deliveries: [JetStreamDelivery], reason: String) {
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) {
            for delivery in deliveries { await bound.value.putAside(delivery, reason) }
        }
    }

    private func putAside(_ delivery: JetStreamDelivery, _ reason: String) async {
        do throws(NATSError) {
            _ = try await self.client.publish(
                self.deadLetterSubject,
                delivery.payload,
                id: "\(self.settings.stream).\(delivery.sequence)",
                headers: [
                    ("Timingle-Reason", Self.headerText(reason)),
                    ("Timingle-Subject", delivery.subject),
                ]
            )
            self.buried(delivery, reason: reason)
        } catch {
            self.consumer?.settle(delivery, .nak(after: .seconds(5)))
        }
    }

    private func buried(_ delivery: JetStreamDelivery, reason: String) {
        self.count { $0.deadLettered += 1 }
        self.log.error(
            "message put aside for good",
            [
                "stream_sequence": LogValue(delivery.sequence), "subject": "\(delivery.subject)",
                "reason": "\(reason)",
            ]
        )
        self.consumer?.settle(delivery, .term)
    }

    /// A header is one line of printable ASCII.
    private static func headerText(_ text: String) -> String {
        String(text.unicodeScalars.prefix(200).map { $0.value >= 0x20 && $0.value < 0x7f ? Character($0) : "?" })
    }

    // MARK: Draining

    func drain(deadline: Duration, _ done: @escaping () -> Void) {
        guard !self.machine.isDrained else { return done() }
        self.drained.append(done)
        self.consumer?.stop()
        self.loop.schedule(at: .now + deadline) { [weak self] in self?.finish() }
        guard let catchUp = self.catchUp else { return self.run(self.machine.drain()) }
        // Nobody closes a store in whose hands something is.
        catchUp.stop { [weak self] in
            guard let self else { return }
            self.run(self.machine.drain())
        }
    }

    private func finish() {
        let drained = self.drained
        self.drained = []
        for done in drained { done() }
    }
}
