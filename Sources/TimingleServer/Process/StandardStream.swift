internal import Glibc

/// One of the streams that every process is born with.
///
/// Any thread.
enum StandardStream: CInt, Sendable {
    case output = 1
    case error = 2

    var isTerminal: Bool { isatty(self.rawValue) == 1 }

    /// Writes all of `bytes`, waiting as long as the reader wants; false when nobody reads any more.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            // SAFETY: the pointer and the length stay within `bytes`, which lives during the call.
            let written = bytes.withUnsafeBytes { buffer in
                Glibc.write(self.rawValue, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
            }
            if written >= 0 {
                offset += written
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody made the shared description non-blocking: wait for room.
                var descriptor = pollfd(fd: self.rawValue, events: Int16(POLLOUT), revents: 0)
                _ = poll(&descriptor, 1, 1_000)
            default: return false
            }
        }
        return true
    }

    func write(_ text: String) { self.write(Array(text.utf8)) }
}
