/// How long to wait before the next attempt to connect.
///
/// A value. Doubles with each failure up to its limit; chance takes up to half of it away, so that a hundred clients
/// do not come back in the same moment.
struct ReconnectBackoff: Equatable, Sendable {
    let base: Duration
    let max: Duration
    private(set) var failures = 0

    init(base: Duration, max: Duration) {
        self.base = base
        self.max = max
    }

    /// The pause after one more failure; `jitter` is in 0..<1.
    mutating func failed(jitter: Double) -> Duration {
        let pause = Swift.min(self.base * Double(1 << Swift.min(self.failures, 20)), self.max)
        self.failures += 1
        return pause * (0.5 + 0.5 * jitter)
    }

    mutating func succeeded() { self.failures = 0 }
}
