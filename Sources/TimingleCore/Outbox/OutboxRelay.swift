internal import Synchronization
package import TimingleNet

/// Publishes committed changes in order, each once: claims rows, waits for the broker, marks them.
///
/// Any thread. Woken by each commit in this process and by its own look every half second.
package final class OutboxRelay: OutboxPoke {
    private struct State {
        var waiter: CheckedContinuation<Void, Never>?
        var isPoked = false
        var isStopping = false
        var task: Task<Void, Never>?
    }

    private let store: any OutboxStore
    private let publisher: any ChangePublisher
    private let loop: EventLoop
    private let log: Log
    private let state = Mutex(State())
    private let pollInterval: Duration
    private let batchTimeMax: Duration
    private static let batchMax = 64

    /// `batchTimeMax` must be well below PostgreSQL's limit for idle transactions, of which the store holds one.
    package init(
        store: any OutboxStore,
        publisher: any ChangePublisher,
        loop: EventLoop,
        pollInterval: Duration = .milliseconds(500),
        batchTimeMax: Duration = .seconds(5),
        log: Log
    ) {
        self.store = store
        self.publisher = publisher
        self.loop = loop
        self.pollInterval = pollInterval
        self.batchTimeMax = batchTimeMax
        self.log = log.labelled("outbox")
    }

    package func start() {
        let task = Task(executorPreference: self.loop) { await self.run() }
        self.state.withLock { $0.task = task }
    }

    package func changeCommitted() {
        let waiter = self.state.withLock { state in
            state.isPoked = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Ends after the batch in hand.
    package func stop() async {
        let (waiter, task) = self.state.withLock { state in
            state.isStopping = true
            defer {
                state.waiter = nil
                state.task = nil
            }
            return (state.waiter, state.task)
        }
        waiter?.resume()
        await task?.value
    }

    private var isStopping: Bool { self.state.withLock { $0.isStopping } }

    private func run() async {
        var failures = 0
        while !self.isStopping {
            self.state.withLock { $0.isPoked = false }
            switch await self.relayBatch() {
            case .more: failures = 0
            case .empty:
                failures = 0
                await self.sleep(self.pollInterval)
            case .failed:
                failures += 1
                // A poke does not shorten the back-off: the dependency is away, not the work.
                _ = try? await pause(.milliseconds(min(100 << min(failures, 6), 5_000)))
            }
        }
    }

    private enum Outcome {
        case more, empty, failed
    }

    private func relayBatch() async -> Outcome {
        let publisher = self.publisher
        let log = self.log
        let missed = Atomic<Bool>(false)
        let isCut = Atomic<Bool>(false)
        let end = MonotonicInstant.now + self.batchTimeMax
        do throws(StoreError) {
            let count = try await self.store.relay(limit: Self.batchMax) { changes in
                var done: Set<ChangeID> = []
                for change in changes {
                    do throws(BrokerError) {
                        try await publisher.publish(change)
                        done.insert(change.id)
                    } catch {
                        // In order: what comes after it waits too.
                        missed.store(true, ordering: .relaxed)
                        log.warning("change not published", ["change_id": "\(change.id)", "error": "\(error)"])
                        break
                    }
                    // A slow broker must not cost what it took already: a transaction that idles too long is lost.
                    guard MonotonicInstant.now < end else {
                        isCut.store(true, ordering: .relaxed)
                        break
                    }
                }
                return done
            }
            if missed.load(ordering: .relaxed) { return .failed }
            return count == Self.batchMax || isCut.load(ordering: .relaxed) ? .more : .empty
        } catch {
            log.warning("outbox cannot be read", ["error": "\(error)"])
            return .failed
        }
    }

    /// Waits for the time or for a poke, whichever is first.
    private func sleep(_ duration: Duration) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isDue = self.state.withLock { state in
                if state.isPoked || state.isStopping { return true }
                state.waiter = continuation
                return false
            }
            if isDue { return continuation.resume() }
            let loop = self.loop
            loop.execute {
                loop.schedule(at: .now + duration) { self.wake() }
            }
        }
    }

    /// A timer of an earlier sleep may wake a later one: one look more, nothing else.
    private func wake() {
        let waiter = self.state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
