/// Closes the WebSockets of one loop in random order over a window, when the server goes down.
///
/// Loop-confined. All at once, their clients would come back all at once, and knock the next process over.
final class WebSocketDrain {
    static let interval: Duration = .milliseconds(20)

    private let loop: EventLoop
    private var waiting: [StreamConnection]
    private let perInterval: Int

    /// Few sockets take less than the window: at least one is closed each interval.
    init(_ sockets: [StreamConnection], over window: Duration, loop: EventLoop) {
        self.loop = loop
        self.waiting = sockets.shuffled()
        let intervals = max(1, Int(window / Self.interval))
        self.perInterval = max(1, (sockets.count + intervals - 1) / intervals)
    }

    /// Closes the next few, and comes back for the others.
    func run() {
        for _ in 0..<min(self.perInterval, self.waiting.count) {
            // One that has ended meanwhile takes no notice.
            HTTPUpgradeHandOver.drain(self.waiting.removeLast())
        }
        guard !self.waiting.isEmpty else { return }
        self.loop.schedule(after: Self.interval) { self.run() }
    }
}
