internal import Dispatch
internal import Glibc

/// SIGTERM and SIGINT as events: the first asks for an orderly end, the second ends the process at once.
///
/// Any thread. SIGPIPE is ignored: a closed peer is an error of its write. So is SIGHUP, which reads certificates anew
/// where there are some (`HangUpSignals`): a lost terminal or a reload of all services ends nobody's conversation.
final class TerminationSignals: Sendable {
    /// Yields the name of the first signal, once.
    let first: AsyncStream<String>
    // SAFETY: DispatchSource's own methods are thread-safe; the array never changes. ShutdownTests sends both signals.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    init() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
        let counter = SignalCounter()
        let queue = DispatchQueue(label: "timingle.signals")
        self.first = stream
        self.sources = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")].map { number, name in
            // Ignored first: the default action would end the process before the source sees the signal.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if counter.next() == 1 {
                    continuation.yield(name)
                } else {
                    ProcessEnvironment.exitNow(1)
                }
            }
            source.resume()
            return source
        }
    }

    deinit {
        for source in self.sources { source.cancel() }
    }
}

/// Counts on the signals' queue only.
// SAFETY: touched on the one serial queue of `TerminationSignals`.
private final class SignalCounter: @unchecked Sendable {
    private var count = 0

    func next() -> Int {
        self.count += 1
        return self.count
    }
}
