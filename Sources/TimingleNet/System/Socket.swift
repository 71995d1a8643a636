internal import CLinux
internal import Glibc

/// Owner of one non-blocking stream socket.
///
/// Every call is safe from any thread by itself; in practice a loop owns it.
package struct Socket: ~Copyable, Sendable {
    /// What `accept` brought.
    package enum AcceptResult: ~Copyable {
        case accepted(Socket, peer: SocketAddress)
        /// The connection was gone before it was accepted; there may be more.
        case lost
        case wouldBlock
    }

    package let fd: CInt

    /// Takes over an open descriptor, which must be non-blocking.
    package init(owning fd: CInt) { self.fd = fd }

    deinit { Syscall.close(self.fd) }

    /// Gives the descriptor up without closing it: it goes to another loop.
    package consuming func release() -> CInt {
        let fd = self.fd
        discard self
        return fd
    }

    /// Binds and listens; a port of 0 lets the kernel choose.
    package static func listening(
        on address: SocketAddress,
        backlog: Int32 = 1024,
        reusePort: Bool = false
    ) throws(SystemError) -> Socket {
        let socket = try Self.stream(family: address.family)
        if address.port != nil {
            try socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
            if reusePort { try socket.set(SOL_SOCKET, SO_REUSEPORT, 1) }
        }
        // `::` means IPv6 only with us; dual stack is two listeners, so that behaviour does not hang on a sysctl.
        if case .ipv6 = address { try socket.set(CInt(IPPROTO_IPV6), CInt(IPV6_V6ONLY), 1) }
        let fd = socket.fd
        try Syscall.blocking("bind") { address.withSockaddr { Glibc.bind(fd, $0, $1) } }
        try Syscall.blocking("listen") { Glibc.listen(fd, backlog) }
        return socket
    }

    /// Starts to connect; writable readiness and `pendingError` tell how it ended.
    ///
    /// A server that tells its clients apart by their port sees `port`, where one is given.
    package static func connecting(
        to address: SocketAddress,
        fromPort port: UInt16? = nil
    ) throws(SystemError) -> Socket {
        let socket = try Self.stream(family: address.family)
        let fd = socket.fd
        if let port, let own = address.anyAddress(port: port) {
            // The port's last connection may be in TIME_WAIT, with another server.
            try socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
            try Syscall.blocking("bind") { own.withSockaddr { Glibc.bind(fd, $0, $1) } }
        }
        do throws(SystemError) {
            try Syscall.blocking("connect") { address.withSockaddr { Glibc.connect(fd, $0, $1) } }
        } catch {
            guard error.code == EINPROGRESS || error.code == EAGAIN else { throw error }
        }
        return socket
    }

    /// Makes two connected unix sockets.
    package static func pair() throws(SystemError) -> (Int32, Int32) {
        var descriptors: (CInt, CInt) = (-1, -1)
        let type = CInt(SOCK_STREAM.rawValue) | TIMINGLE_SOCK_NONBLOCK | TIMINGLE_SOCK_CLOEXEC
        try Syscall.blocking("socketpair") {
            withUnsafeMutableBytes(of: &descriptors) { raw in
                // SAFETY: a pair of CInt is laid out as the array of two that socketpair fills.
                socketpair(AF_UNIX, type, 0, raw.assumingMemoryBound(to: CInt.self).baseAddress)
            }
        }
        return descriptors
    }

    private static func stream(family: CInt) throws(SystemError) -> Socket {
        let type = CInt(SOCK_STREAM.rawValue) | TIMINGLE_SOCK_NONBLOCK | TIMINGLE_SOCK_CLOEXEC
        return Socket(owning: try Syscall.blocking("socket") { Glibc.socket(family, type, 0) })
    }

    package func accept() throws(SystemError) -> AcceptResult {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result: IOResult
        do throws(SystemError) {
            result = try Syscall.nonBlocking("accept4") {
                withUnsafeMutablePointer(to: &storage) { pointer in
                    // SAFETY: sockaddr_storage is made to be seen as sockaddr; `length` is its size.
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        Int(accept4(self.fd, $0, &length, TIMINGLE_SOCK_NONBLOCK | TIMINGLE_SOCK_CLOEXEC))
                    }
                }
            }
        } catch {
            // accept(2): errors already pending on the new connection; treat like EAGAIN and go on.
            switch error.code {
            case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
                ENETUNREACH, EPERM:
                return .lost
            default:
                throw error
            }
        }
        switch result {
        case .wouldBlock: return .wouldBlock
        case .processed(let fd):
            return .accepted(Socket(owning: CInt(fd)), peer: SocketAddress(storage, length: length))
        }
    }

    /// Reads what is there; 0 is the peer's end of stream.
    @inline(__always)
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult {
        // recv(2), not read(2): the same, without the way through the file layer.
        try Syscall.nonBlocking("recv") { Syscall.recv(self.fd, buffer) }
    }

    /// Writes as much as the kernel takes; never raises SIGPIPE.
    @inline(__always)
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> IOResult {
        try Syscall.nonBlocking("send") { Syscall.send(self.fd, bytes) }
    }

    /// Sends a part of a file without copying it through the process; at most a MiB, so that no peer owns the loop.
    ///
    /// Waits where the page is not in memory.
    package func send(_ file: FileRegion) throws(SystemError) -> IOResult {
        _ = ignoreBrokenPipes
        var offset = off_t(file.offset)
        let result = try Syscall.nonBlocking("sendfile") {
            sendfile(self.fd, file.file.fd, &offset, min(file.count, 1024 * 1024))
        }
        if case .processed(0) = result { throw .fileTruncated }
        return result
    }

    /// Writes the chunks in order, as much as the kernel takes; never raises SIGPIPE.
    package func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
        if chunks.count == 1 { return try self.write(chunks[0]) }
        return try Syscall.nonBlocking("sendmsg") {
            withUnsafeTemporaryAllocation(of: iovec.self, capacity: chunks.count) { vectors in
                for (index, chunk) in chunks.enumerated() {
                    // SAFETY: sendmsg only reads through iov_base; the chunks outlive the call.
                    let base = UnsafeMutableRawPointer(mutating: chunk.baseAddress)
                    vectors.initializeElement(at: index, to: iovec(iov_base: base, iov_len: chunk.count))
                }
                var message = msghdr()
                message.msg_iov = vectors.baseAddress
                message.msg_iovlen = chunks.count
                return sendmsg(self.fd, &message, CInt(MSG_NOSIGNAL))
            }
        }
    }

    /// Sends FIN; a peer that is gone already is no error.
    package func shutdownWrite() throws(SystemError) {
        guard Glibc.shutdown(self.fd, CInt(SHUT_WR)) != 0, errno != ENOTCONN else { return }
        throw SystemError(operation: "shutdown", code: errno)
    }

    /// Sends small writes at once; the outbox gathers, Nagle would only delay.
    package func disableNagle() throws(SystemError) { try self.set(CInt(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// Makes `close` send RST and drop what is queued.
    package func resetOnClose() throws(SystemError) {
        var value = linger(l_onoff: 1, l_linger: 0)
        try Syscall.blocking("setsockopt") {
            setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        }
    }

    /// Sets an option whose value is an int.
    package func set(_ level: CInt, _ option: CInt, _ value: CInt) throws(SystemError) {
        var value = value
        try Syscall.blocking("setsockopt") {
            setsockopt(self.fd, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    /// Takes the error that waits on the socket (SO_ERROR), 0 for none: how a connect ended.
    package func pendingError() throws(SystemError) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        try Syscall.blocking("getsockopt") { getsockopt(self.fd, SOL_SOCKET, SO_ERROR, &value, &length) }
        return value
    }

    /// Bytes in the kernel's queue, sent or not, that the peer has not acknowledged (SIOCOUTQ); nil on an error.
    package func unacknowledgedBytes() -> Int? {
        let count = timingle_unacknowledged_bytes(self.fd)
        return count >= 0 ? Int(count) : nil
    }

    package func localAddress() throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try Syscall.blocking("getsockname") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                // SAFETY: sockaddr_storage is made to be seen as sockaddr; `length` is its size.
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(self.fd, $0, &length) }
            }
        }
        return SocketAddress(storage, length: length)
    }
}

extension SystemError {
    /// Stands for a reset that was seen as readiness, not as the result of a call.
    static let connectionReset = SystemError(operation: "epoll_wait", code: ECONNRESET)
    /// Stand for what a protocol between socket and connection met.
    static let tlsFailure = SystemError(operation: "tls", code: EPROTO)
    static let tlsTruncated = SystemError(operation: "tls", code: ECONNRESET)
    static let tlsDeadline = SystemError(operation: "tls", code: ETIMEDOUT)
}

/// `sendfile` has no MSG_NOSIGNAL: a peer that is gone would end the process by SIGPIPE.
private let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()
