internal import Dispatch
internal import Glibc

/// SIGHUP as events: the operator has put new files in place.
///
/// Any thread. While one of these lives, SIGHUP no longer ends the process.
final class HangUpSignals: Sendable {
    /// Yields once for each signal; several that come at once may be one.
    let all: AsyncStream<Void>
    // SAFETY: DispatchSource's own methods are thread-safe. test_tls.py sends the signal.
    private nonisolated(unsafe) let source: any DispatchSourceSignal

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // Ignored first: the default action would end the process before the source sees the signal.
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "timingle.hangup"))
        source.setEventHandler { continuation.yield() }
        source.setCancelHandler { continuation.finish() }
        source.resume()
        self.all = stream
        self.source = source
    }

    deinit { self.source.cancel() }
}
