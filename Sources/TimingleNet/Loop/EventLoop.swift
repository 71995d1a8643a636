internal import Glibc
internal import Synchronization

/// Called once at the end of the turn in which it was asked for.
///
/// Loop-confined.
package protocol TurnEndHandler: AnyObject {
    func turnEnded()
}

/// The two steps of a turn's end.
package enum TurnEndPhase: Sendable {
    /// What came in this turn for many is handed out.
    case publish
    /// What was queued leaves.
    case flush
}

/// One thread, one epoll instance, one queue of jobs, one heap of deadlines.
///
/// A turn: wait, deliver readiness, run jobs and mail, fire timers, run the turn-end handlers (flushes), wake
/// the loops that were handed something. A loop that stood still reads what came meanwhile before it fires timers: its
/// own silence is nobody else's.
/// It is a `TaskExecutor`, so a `Task(executorPreference: loop)` resumes on the loop after each `await`,
/// and a `SerialExecutor`, so an actor can be bound to it.
// SAFETY: `mailbox`, `wakeUp`, `thread`, `index` are safe from any thread; all under "Loop thread only" is touched
// on the loop's thread alone, which each entry point checks by `preconditionInLoop`. EventLoopTests covers the doors.
package final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // Any thread.
    package let index: Int
    private let mailbox = LoopMailbox()
    private let wakeUp: EventDescriptor
    /// The thread that runs the loop, 0 for none; only that thread can read its own number here.
    private let thread = Atomic<UInt>(0)

    // Loop thread only.
    package let buffers = BufferPool()
    private var selector: Selector
    private var timers = TimerHeap()
    /// What the loop handed to itself: needs neither the mailbox's lock nor a wake-up.
    private var localLetters: [LoopMailbox.Letter] = []
    private var runningLetters: [LoopMailbox.Letter] = []
    private var mail: [LoopMailbox.Letter] = []
    private var publishers: [any TurnEndHandler] = []
    private var turnEndHandlers: [any TurnEndHandler] = []
    private var runningTurnEndHandlers: [any TurnEndHandler] = []
    /// Loops that wait and have mail from this turn: woken once, at its end.
    private var loopsToWake: [EventLoop] = []
    private var stopping = false
    /// Turns in a row in which timers that are late waited for what has arrived.
    private var turnsReadFirst = 0
    /// The time at which this turn's wait ended; good enough for deadlines, and free.
    package private(set) var now: MonotonicInstant = .now

    package init(index: Int = 0) throws(SystemError) {
        self.index = index
        self.wakeUp = try EventDescriptor()
        self.selector = try Selector(eventsPerWait: 256)
        // Told once a signal: nobody has to read it away.
        _ = try self.selector.register(self.wakeUp.fd, interest: [.read, .edge], handler: WakeUpHandler())
    }

    // MARK: Any thread

    /// The loop whose thread this is, or nil.
    package static var current: EventLoop? {
        guard let pointer = pthread_getspecific(threadKey.key) else { return nil }
        // SAFETY: `run` stores an unretained reference to itself for exactly as long as it runs on this thread.
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// The index of the loop whose thread this is, where that loop is the one that `loops` has there.
    static func currentIndex(in loops: [EventLoop]) -> Int? {
        guard let pointer = pthread_getspecific(threadKey.key) else { return nil }
        // SAFETY: as in `current`; nothing but the number is read, so no reference has to be counted.
        let index = Unmanaged<EventLoop>.fromOpaque(pointer)._withUnsafeGuaranteedRef { $0.index }
        guard index < loops.count, Unmanaged.passUnretained(loops[index]).toOpaque() == pointer else { return nil }
        return index
    }

    package var inLoop: Bool { self.thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    package func preconditionInLoop() {
        precondition(self.inLoop, "loop-confined state was touched off its loop")
    }

    /// Runs `work` on the loop, in the order of the calls from one thread.
    ///
    /// Any thread; never runs it inline.
    package func execute(_ work: @escaping @Sendable () -> Void) {
        self.post(.work(work))
    }

    /// The door for others: runs `body` on the loop and returns its result.
    package func enter<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        if self.inLoop { return try body() }
        return try await withCheckedThrowingContinuation { continuation in
            self.execute { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    /// Asks the loop to end after this turn.
    ///
    /// Any thread.
    package func stop() {
        self.execute { self.stopping = true }
    }

    private func post(_ letter: LoopMailbox.Letter) {
        if self.inLoop {
            self.localLetters.append(letter)
        } else if self.mailbox.append(letter) {
            if let sender = EventLoop.current {
                sender.loopsToWake.append(self)
            } else {
                self.wakeUp.signal()
            }
        }
    }

    /// A loop that is woken at once would take the first letter of several, wait, and be woken for the next.
    private func wakeOthers() {
        guard !self.loopsToWake.isEmpty else { return }
        for loop in self.loopsToWake { loop.wakeUp.signal() }
        self.loopsToWake.removeAll(keepingCapacity: true)
    }

    // MARK: Loop thread only

    /// Runs turns on the calling thread until `stop`.
    package func run() {
        precondition(EventLoop.current == nil, "a thread can run one loop only")
        pthread_setspecific(threadKey.key, Unmanaged.passUnretained(self).toOpaque())
        self.thread.store(UInt(pthread_self()), ordering: .relaxed)
        defer {
            self.thread.store(0, ordering: .relaxed)
            pthread_setspecific(threadKey.key, nil)
        }
        while !self.stopping || !self.localLetters.isEmpty {
            self.turn()
        }
        // Whoever awaits a hand-over that was already in the mailbox gets it.
        self.runMail()
        self.runLocalLetters()
        self.wakeOthers()
    }

    /// Watches `fd`.
    ///
    /// The caller keeps the descriptor open until after `deregister`.
    package func register(
        _ fd: CInt,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) -> RegistrationID {
        self.preconditionInLoop()
        return try self.selector.register(fd, interest: interest, handler: handler)
    }

    package func setInterest(_ interest: Interest, of id: RegistrationID) throws(SystemError) {
        self.preconditionInLoop()
        try self.selector.setInterest(interest, of: id)
    }

    package func deregister(_ id: RegistrationID) throws(SystemError) {
        self.preconditionInLoop()
        try self.selector.deregister(id)
    }

    /// Ends a registration of a descriptor that nothing else refers to and that the caller closes before it returns.
    package func deregisterClosing(_ id: RegistrationID) {
        self.preconditionInLoop()
        self.selector.forget(id)
    }

    /// Calls `action` on the loop once `delay` has passed, counted from this turn's `now`.
    @discardableResult
    package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        self.schedule(at: self.now + delay, action)
    }

    @discardableResult
    package func schedule(at deadline: MonotonicInstant, _ action: @escaping () -> Void) -> TimerToken {
        self.preconditionInLoop()
        return self.timers.schedule(at: deadline.nanoseconds, action)
    }

    /// Cancels a deadline; false if it has fired or was cancelled before.
    @discardableResult
    package func cancel(_ token: TimerToken) -> Bool {
        self.preconditionInLoop()
        return self.timers.cancel(token)
    }

    /// Calls `handler` once when this turn's events and jobs are done.
    ///
    /// The caller avoids asking twice.
    package func atTurnEnd(_ handler: any TurnEndHandler, _ phase: TurnEndPhase = .flush) {
        self.preconditionInLoop()
        switch phase {
        case .publish: self.publishers.append(handler)
        case .flush: self.turnEndHandlers.append(handler)
        }
    }

    /// So late a timer shows that the loop stood still: its thread or the process was stopped, or a turn was long.
    private static let standstill: Duration = .milliseconds(20)
    /// A loop that always has more to read than one wait brings fires its timers all the same.
    private static let turnsReadFirstMax = 64

    /// True while timers have to wait until everything that came before them was read.
    private func readsFirst(eventCount: Int) -> Bool {
        guard let deadline = self.timers.nextDeadline,
            MonotonicInstant(nanoseconds: deadline).duration(to: self.now) > Self.standstill
        else {
            self.turnsReadFirst = 0
            return false
        }
        // Of this turn's wait nobody knows whether it looked before or behind the standstill.
        let isRead = self.turnsReadFirst > 0 && eventCount < self.selector.eventsPerWait
        guard !isRead, self.turnsReadFirst < Self.turnsReadFirstMax else {
            self.turnsReadFirst = 0
            return false
        }
        self.turnsReadFirst += 1
        return true
    }

    private func turn() {
        let count = self.blockingWait()
        self.now = .now
        let readsFirst = self.readsFirst(eventCount: count)
        for index in 0..<count {
            guard let (handler, readiness, id) = self.selector.lend(index) else { continue }
            handler.descriptorReady(readiness)
            self.selector.takeBack(consume handler, of: id)
        }
        self.runMail()
        self.runLocalLetters()
        if !readsFirst {
            self.fireTimers()
            self.runLocalLetters()
        }
        self.runTurnEndHandlers()
        self.wakeOthers()
    }

    /// Never inlined, so that a profile can tell waiting from work.
    @inline(never)
    private func blockingWait() -> Int {
        var timeout: CInt = -1
        if !self.localLetters.isEmpty || !self.turnEndHandlers.isEmpty || !self.publishers.isEmpty {
            timeout = 0
        } else if let deadline = self.timers.nextDeadline {
            let remaining = deadline - MonotonicInstant.now.nanoseconds
            // Rounded up: a timer must not be found early and the loop spin until it is due.
            timeout = remaining <= 0 ? 0 : CInt(clamping: (remaining + 999_999) / 1_000_000)
        }
        if timeout != 0, !self.mailbox.mayWait() { timeout = 0 }
        defer { if timeout != 0 { self.mailbox.awoke() } }
        do throws(SystemError) {
            return try self.selector.wait(timeoutMilliseconds: timeout)
        } catch {
            preconditionFailure("a loop cannot go on without its epoll: \(error)")
        }
    }

    private func runMail() {
        self.mailbox.swap(into: &self.mail)
        guard !self.mail.isEmpty else { return }
        for letter in self.mail { self.run(letter) }
        self.mail.removeAll(keepingCapacity: true)
    }

    /// Runs the letters that are there; those that they add run in the next round, at most 16 rounds a turn.
    private func runLocalLetters() {
        for _ in 0..<16 {
            guard !self.localLetters.isEmpty else { return }
            swap(&self.localLetters, &self.runningLetters)
            for letter in self.runningLetters { self.run(letter) }
            self.runningLetters.removeAll(keepingCapacity: true)
        }
    }

    private func run(_ letter: LoopMailbox.Letter) {
        switch letter {
        case .work(let work):
            work()
        case .job(let job):
            job.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(),
                taskExecutor: self.asUnownedTaskExecutor()
            )
        }
    }

    /// Fires what is due; a timer that re-arms itself with no delay waits for the next turn.
    private func fireTimers() {
        let now = self.now.nanoseconds
        var budget = self.timers.count
        while budget > 0, let action = self.timers.popExpired(now: now) {
            action()
            budget -= 1
        }
    }

    private func runTurnEndHandlers() {
        swap(&self.publishers, &self.runningTurnEndHandlers)
        self.tellTurnEnd()
        swap(&self.turnEndHandlers, &self.runningTurnEndHandlers)
        self.tellTurnEnd()
    }

    private func tellTurnEnd() {
        guard !self.runningTurnEndHandlers.isEmpty else { return }
        for handler in self.runningTurnEndHandlers { handler.turnEnded() }
        self.runningTurnEndHandlers.removeAll(keepingCapacity: true)
    }

    fileprivate func enqueueJob(_ job: UnownedJob) { self.post(.job(job)) }
}

/// Stands for the wake-up, which has no other effect: the turn reads the mailbox anyway.
private final class WakeUpHandler: ReadinessHandler {
    func descriptorReady(_ readiness: Readiness) {}
}

/// The key under which each thread finds its loop.
private struct ThreadKey {
    let key: pthread_key_t
    init() {
        var key = pthread_key_t()
        let result = pthread_key_create(&key, nil)
        precondition(result == 0, "no thread-specific key left")
        self.key = key
    }
}

private let threadKey = ThreadKey()

extension EventLoop {
    package func enqueue(_ job: consuming ExecutorJob) {
        self.enqueueJob(UnownedJob(job))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    package func checkIsolated() { self.preconditionInLoop() }
}
