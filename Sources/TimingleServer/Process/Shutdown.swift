internal import TimingleNet

/// The orderly end: steps in their order, all within one deadline.
///
/// Immutable.
///
/// A step that is not done when the time is up is left behind, and so are those after it.
struct Shutdown: Sendable {
    struct Step: Sendable {
        let name: String
        /// Gets the time that is left for all steps from here on.
        let run: @Sendable (_ remaining: Duration) async -> Void

        init(_ name: String, _ run: @escaping @Sendable (_ remaining: Duration) async -> Void) {
            self.name = name
            self.run = run
        }
    }

    let timeout: Duration
    let steps: [Step]
    let log: Log

    /// True when every step was done in time.
    func run(clock: some Clock<Duration>) async -> Bool {
        let deadline = clock.now.advanced(by: self.timeout)
        for step in self.steps {
            let remaining = clock.now.duration(to: deadline)
            guard remaining > .zero else {
                self.log.warning("shutdown ran out of time", ["step": .text(step.name)])
                return false
            }
            guard await Self.finishes(step, within: remaining, clock: clock) else {
                self.log.warning("shutdown ran out of time", ["step": .text(step.name)])
                return false
            }
            self.log.debug("shutdown step done", ["step": .text(step.name)])
        }
        return true
    }

    /// Races the step with the clock; the loser goes on alone, for the process ends soon anyway.
    private static func finishes(_ step: Step, within remaining: Duration, clock: some Clock<Duration>) async -> Bool {
        let (stream, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingOldest(1))
        let work = Task {
            await step.run(remaining)
            continuation.yield(true)
        }
        let timer = Task {
            try? await clock.sleep(until: clock.now.advanced(by: remaining), tolerance: nil)
            continuation.yield(false)
        }
        var results = stream.makeAsyncIterator()
        let isDone = await results.next() ?? false
        timer.cancel()
        if !isDone { work.cancel() }
        return isDone
    }
}
