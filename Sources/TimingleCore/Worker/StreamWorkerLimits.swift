/// Times and amounts of a worker.
package struct StreamWorkerLimits: Sendable, Equatable {
    package var batchSizeMax = 256
    package var batchAgeMax: Duration = .milliseconds(20)
    package var retryDelayMin: Duration = .milliseconds(100)
    package var retryDelayMax: Duration = .seconds(5)
    /// What is read of the unsettled at most when catching up; the rest comes again after the ack wait.
    package var catchUpCountMax = 4_096
    package var catchUpBytesMax = 32 << 20
    /// How long reading them may fail before the ordinary way is taken.
    package var catchUpPatience: Duration = .seconds(10)
    /// How long a process that starts is not called ready for the sake of what waits in the stream.
    package var startPatience: Duration = .seconds(10)

    package init() {}

    /// Doubles with each attempt, with a quarter of chance, up to the limit.
    func retryDelay(attempt: Int) -> Duration {
        let base = min(self.retryDelayMin * (1 << min(attempt - 1, 12)), self.retryDelayMax)
        return base * Double.random(in: 0.75...1)
    }
}
