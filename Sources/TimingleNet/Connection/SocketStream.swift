/// A real socket and its registration on a loop.
///
/// Loop-confined.
package final class SocketStream: SocketIO {
    private var socket: Socket?
    private var loop: EventLoop?
    private var registration: RegistrationID?

    package init(_ socket: consuming Socket) { self.socket = consume socket }

    package func open(
        on loop: EventLoop,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) {
        precondition(self.loop == nil, "a socket is on one loop at a time")
        self.loop = loop
        self.registration = try loop.register(self.descriptor, interest: interest, handler: handler)
    }

    package func setInterest(_ interest: Interest) throws(SystemError) {
        guard let loop = self.loop, let registration = self.registration else { return }
        try loop.setInterest(interest, of: registration)
    }

    @inline(__always)
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        precondition(self.socket != nil, "read after close")
        return try self.socket?.read(into: buffer) ?? .wouldBlock
    }

    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        precondition(self.socket != nil, "write after close")
        return try self.socket?.write(chunks) ?? .wouldBlock
    }

    package var unacknowledgedBytes: Int? { self.socket?.unacknowledgedBytes() ?? nil }

    @inline(__always)
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        precondition(self.socket != nil, "write after close")
        return try self.socket?.write(bytes) ?? .wouldBlock
    }

    package var sendsFiles: Bool { true }

    package func send(_ file: FileRegion) throws(SystemError) -> IOResult {
        precondition(self.socket != nil, "write after close")
        return try self.socket?.send(file) ?? .wouldBlock
    }

    package func shutdownWrite() throws(SystemError) { try self.socket?.shutdownWrite() }

    package func leaveLoop() throws(SystemError) -> Bool {
        guard let loop = self.loop, let registration = self.registration else { return false }
        self.registration = nil
        self.loop = nil
        try loop.deregister(registration)
        return true
    }

    package func close(reset: Bool) {
        if let loop = self.loop, let registration = self.registration {
            self.registration = nil
            // Closed below: a call to epoll_ctl(2) would be for nothing.
            loop.deregisterClosing(registration)
        }
        if reset { try? self.socket?.resetOnClose() }
        self.socket = nil
    }

    private var descriptor: CInt {
        guard let fd = self.socket?.fd else { preconditionFailure("open after close") }
        return fd
    }
}
