/// What speaks on top of a byte stream.
///
/// Loop-confined.
package protocol StreamHandler: AnyObject {
    /// Takes bytes from the peer and returns how many were consumed from the front.
    ///
    /// `bytes` is valid during the call only and may be modified in place (unmasking), but only as far as it is
    /// consumed. The rest is kept and offered again with more behind it.
    func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int
    /// The peer will send no more; it may still read.
    ///
    /// Comes at most once.
    func peerHalfClosed(on connection: StreamConnection)
    /// All queued bytes were taken by the kernel.
    func outboxDrained(on connection: StreamConnection)
    /// The connection is gone.
    ///
    /// Exactly once, last, at the end of a turn (never inside a call of the handler's own).
    func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection)
}

/// Why a connection ended.
package enum StreamCloseReason: Equatable, Sendable {
    /// We closed it in order: all bytes flushed, the peer done or given its time.
    case finished
    /// We gave it up: `abort`.
    case aborted
    /// The peer took nothing for the length of the write deadline, or less than it has to.
    case writeDeadline
    /// The kernel reported a failure; a reset is one.
    case failed(SystemError)
}

/// Keeps the books on connections, whatever speaks on them.
///
/// Loop-confined.
package protocol StreamConnectionOwner: AnyObject {
    func connectionEnded(_ connection: StreamConnection)
}

/// Stands in for the handler of a connection that has ended.
final class InertStreamHandler: StreamHandler, Sendable {
    static let shared = InertStreamHandler()
    func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int { bytes.count }
    func peerHalfClosed(on connection: StreamConnection) {}
    func outboxDrained(on connection: StreamConnection) {}
    func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {}
}
