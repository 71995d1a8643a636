internal import CLinux
internal import Glibc

/// A system call that failed for a reason that its caller must handle.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call, as in the manual: `accept4`, `epoll_ctl`.
    package let operation: StaticString
    /// The value of errno.
    package let code: CInt

    package init(operation: StaticString, code: CInt) {
        self.operation = operation
        self.code = code
    }

    package static func == (left: SystemError, right: SystemError) -> Bool {
        left.code == right.code && "\(left.operation)" == "\(right.operation)"
    }

    /// True for EMFILE and ENFILE: the process or the system is out of descriptors.
    package var isDescriptorExhaustion: Bool { self.code == EMFILE || self.code == ENFILE }

    /// True where a path leads to nothing that can be opened below its root.
    var isAbsence: Bool {
        switch self.code {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, EINVAL: true
        default: false
        }
    }

    /// True where something is there, and not for us.
    var isDenial: Bool { self.code == EACCES || self.code == EPERM }

    /// True where the peer, or somebody on the way, threw the connection away.
    package var isReset: Bool { self.code == ECONNRESET }

    /// True for EAGAIN where it was thrown: others were in the way, again and again.
    var isConflict: Bool { self.code == EAGAIN }

    package var description: String {
        "\(self.operation): \(String(cString: strerror(self.code))) (\(self.code))"
    }
}

/// What a non-blocking call brought.
package enum IOResult: Equatable {
    /// The call's return value, zero or more.
    case processed(Int)
    /// EAGAIN: the kernel has nothing to give, or no room, right now.
    case wouldBlock
}

/// The one place that reads errno.
///
/// EINTR is retried, EAGAIN is a value, EBADF and EFAULT can only be our own bugs and trap, the rest is thrown.
enum Syscall {
    @inline(__always)
    static func nonBlocking(_ operation: StaticString, _ body: () -> Int) throws(SystemError) -> IOResult {
        while true {
            let result = body()
            if result >= 0 { return .processed(result) }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN { return .wouldBlock }
            throw Self.error(operation, code)
        }
    }

    @discardableResult
    @inline(__always)
    static func blocking(_ operation: StaticString, _ body: () -> CInt) throws(SystemError) -> CInt {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code == EINTR { continue }
            throw Self.error(operation, code)
        }
    }

    // What is called for each message. In release builds the shim's: the library's are cancellation points, and that
    // costs more than all the rest of them. The thread sanitizer understands the library's alone.

    @inline(__always)
    static func recv(_ fd: CInt, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
        #if DEBUG
        Glibc.recv(fd, bytes.baseAddress, bytes.count, 0)
        #else
        timingle_recv(fd, bytes.baseAddress, bytes.count)
        #endif
    }

    /// Never raises SIGPIPE.
    @inline(__always)
    static func send(_ fd: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if DEBUG
        Glibc.send(fd, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
        #else
        timingle_send(fd, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
        #endif
    }

    @inline(__always)
    static func epollWait(
        _ fd: CInt,
        _ events: UnsafeMutablePointer<epoll_event>,
        _ capacity: CInt,
        _ timeoutMilliseconds: CInt
    ) -> CInt {
        #if DEBUG
        epoll_wait(fd, events, capacity, timeoutMilliseconds)
        #else
        timingle_epoll_wait(fd, events, capacity, timeoutMilliseconds)
        #endif
    }

    /// Closes a descriptor.
    ///
    /// Linux frees the number even when close(2) reports EINTR or EIO, so nothing is retried.
    static func close(_ fd: CInt) {
        guard Glibc.close(fd) != 0 else { return }
        precondition(errno != EBADF, "close of a descriptor that is not open: it was closed twice")
    }

    private static func error(_ operation: StaticString, _ code: CInt) -> SystemError {
        precondition(
            code != EBADF && code != EFAULT,
            "\(operation) was handed a bad descriptor or pointer: our own bug"
        )
        return SystemError(operation: operation, code: code)
    }
}
