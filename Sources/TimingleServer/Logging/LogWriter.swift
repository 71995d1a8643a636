internal import Dispatch
internal import Synchronization

/// Takes finished lines from any thread and writes them on a queue of its own, so that no loop waits for a terminal.
///
/// Any thread (Mutex). What does not fit into the bounded buffer is dropped and counted; the count becomes a line.
final class LogWriter: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var dropped = 0
        var isScheduled = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "timingle.log")
    private let bufferBytesMax: Int
    private let output: @Sendable ([UInt8]) -> Void
    private let droppedLine: @Sendable (Int) -> [UInt8]

    /// `output` may block; `droppedLine` makes the line that tells how many were dropped.
    init(
        bufferBytesMax: Int = 4 * 1_024 * 1_024,
        output: @escaping @Sendable ([UInt8]) -> Void,
        droppedLine: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.bufferBytesMax = bufferBytesMax
        self.output = output
        self.droppedLine = droppedLine
    }

    func append(_ line: [UInt8]) {
        let mustSchedule = self.state.withLock { state in
            guard state.buffer.count + line.count <= self.bufferBytesMax else {
                state.dropped += 1
                return false
            }
            state.buffer.append(contentsOf: line)
            guard !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { self.queue.async { self.drain() } }
    }

    /// Waits until all that was appended before is written.
    func flush() {
        self.queue.sync { self.drain() }
    }

    private func drain() {
        while true {
            let (bytes, dropped) = self.state.withLock { state in
                let bytes = state.buffer
                let dropped = state.dropped
                state.buffer = []
                state.dropped = 0
                if bytes.isEmpty && dropped == 0 { state.isScheduled = false }
                return (bytes, dropped)
            }
            guard !bytes.isEmpty || dropped > 0 else { return }
            if !bytes.isEmpty { self.output(bytes) }
            if dropped > 0 { self.output(self.droppedLine(dropped)) }
        }
    }
}
