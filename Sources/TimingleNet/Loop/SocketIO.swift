/// The socket as a connection sees it: the real one, or a script in tests.
///
/// Loop-confined.
package protocol SocketIO: AnyObject {
    /// Begins to report readiness to `handler`, once.
    func open(on loop: EventLoop, interest: Interest, handler: any ReadinessHandler) throws(SystemError)
    func setInterest(_ interest: Interest) throws(SystemError)
    /// Reads what is there; 0 is the peer's end of stream.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult
    /// Writes chunks in order, as much as the kernel takes.
    func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult
    /// Bytes that the kernel has taken and the peer has not acknowledged; nil where nobody can tell.
    var unacknowledgedBytes: Int? { get }
    func shutdownWrite() throws(SystemError)
    /// Ends the reports and gives the descriptor back; `reset` sends RST instead of what is queued.
    ///
    /// Once.
    func close(reset: Bool)
}

extension SocketIO {
    package var unacknowledgedBytes: Int? { nil }
}
