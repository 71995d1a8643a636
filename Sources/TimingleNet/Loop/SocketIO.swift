/// The socket as a connection sees it: the real one, or a script in tests.
///
/// Loop-confined.
package protocol SocketIO: AnyObject {
    /// Begins to report readiness to `handler`; once, and once more after each `leaveLoop`.
    func open(on loop: EventLoop, interest: Interest, handler: any ReadinessHandler) throws(SystemError)
    func setInterest(_ interest: Interest) throws(SystemError)
    /// Reads what is there; 0 is the peer's end of stream.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult
    /// Writes chunks in order, as much as the kernel takes.
    func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult
    /// Bytes that the kernel has taken and the peer has not acknowledged; nil where nobody can tell.
    var unacknowledgedBytes: Int? { get }
    /// Writes one chunk, as much as the kernel takes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult
    /// Sends a part of a file, as much as the kernel takes; `fileTruncated` where the file has become too short.
    func send(_ file: FileRegion) throws(SystemError) -> IOResult
    /// True where `send` of a file copies nothing through the process.
    var sendsFiles: Bool { get }
    func shutdownWrite() throws(SystemError)
    /// Ends the reports, so that `open` can begin them anew on another loop; false where it has to stay for now.
    func leaveLoop() throws(SystemError) -> Bool
    /// Ends the reports and gives the descriptor back; `reset` sends RST instead of what is queued.
    ///
    /// Once.
    func close(reset: Bool)
}

extension SocketIO {
    package var unacknowledgedBytes: Int? { nil }
    package var sendsFiles: Bool { false }
    package func leaveLoop() throws(SystemError) -> Bool { false }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        try withUnsafePointer(to: bytes) { pointer throws(SystemError) in
            try self.write(UnsafeBufferPointer(start: pointer, count: 1))
        }
    }

    /// Reads and writes 16 KiB at a time: for whatever is not a socket of the kernel's, such as TLS.
    package func send(_ file: FileRegion) throws(SystemError) -> IOResult {
        var outcome: Result<IOResult, SystemError> = .success(.wouldBlock)
        withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer in
            do throws(SystemError) {
                let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, file.count)])
                let count = try file.file.read(into: wanted, at: file.offset)
                guard count > 0 else { throw .fileTruncated }
                outcome = .success(try self.write(UnsafeRawBufferPointer(rebasing: wanted[..<count])))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }
}
