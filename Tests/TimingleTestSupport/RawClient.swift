internal import Dispatch
internal import Glibc
package import TimingleNet

/// A blocking client for tests: bytes in, bytes out, no protocol.
///
/// Each call runs on a Dispatch thread.
package final class RawClient: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let fd: CInt
    private let queue = DispatchQueue(label: "timingle.test.client")
    // SAFETY: used on `queue` only, once `init` is done.
    private nonisolated(unsafe) let tls: BlockingTLS?

    /// Connects to a port of 127.0.0.1, from an address such as 127.0.0.2; every read ends after `timeoutSeconds`.
    ///
    /// TLS begins with the first byte that is sent or awaited.
    package init(
        port: UInt16,
        from source: String? = nil,
        timeoutSeconds: Int = 30,
        receiveBufferBytes: CInt? = nil,
        transport: TestTransport = .current,
        tls context: TLSContext? = nil
    ) throws {
        self.fd = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard self.fd >= 0 else { throw Failure(description: "socket: \(errno)") }
        let tls = context != nil || transport == .tls ? try context ?? TestTransport.clientContext.get() : nil
        self.tls = tls.map { [fd = self.fd] in BlockingTLS(fd: fd, context: $0) }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(self.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var bytes = receiveBufferBytes {
            setsockopt(self.fd, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        var one: CInt = 1
        setsockopt(self.fd, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        if let source {
            var local = sockaddr_in()
            local.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, source, &local.sin_addr)
            _ = withUnsafePointer(to: &local) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(self.fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(self.fd)
            throw Failure(description: "connect: \(code)")
        }
    }

    deinit { Glibc.close(self.fd) }

    package func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async throws {
        try await self.run {
            if let tls = self.tls { try tls.send(bytes) } else { try self.write(bytes) }
        }
    }

    /// Sends bytes outside of TLS, such as what comes before it.
    package func sendBare(_ bytes: [UInt8]) async throws { try await self.run { try self.write(bytes) } }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                let rest = $0
                return uninterrupted { Glibc.send(self.fd, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL)) }
            }
            guard count > 0 else { throw Failure(description: "send: \(errno)") }
            sent += count
        }
    }

    /// Sends FIN.
    package func finishSending() async throws {
        try await self.run {
            try self.tls?.closeNotify()
            _ = shutdown(self.fd, CInt(SHUT_WR))
        }
    }

    /// Makes the end, when the last reference goes, a reset instead of a FIN.
    package func resetOnClose() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Reads one portion; empty at the end of the stream.
    package func receive(atMost: Int = 64 * 1024) async throws -> [UInt8] {
        try await self.run {
            if let tls = self.tls { return try tls.receive(atMost: atMost) }
            var buffer = [UInt8](repeating: 0, count: atMost)
            let count = uninterrupted { recv(self.fd, &buffer, atMost, 0) }
            guard count >= 0 else { throw Failure(description: "recv: \(errno)") }
            return Array(buffer.prefix(count))
        }
    }

    /// Reads until the peer closes.
    package func receiveAll() async throws -> String {
        var all: [UInt8] = []
        while true {
            let portion = try await self.receive()
            guard !portion.isEmpty else { return String(decoding: all, as: UTF8.self) }
            all += portion
        }
    }

    /// Reads until `text` was seen, or throws when the peer closes before.
    package func receive(until text: String) async throws -> String {
        var all: [UInt8] = []
        while true {
            let seen = String(decoding: all, as: UTF8.self)
            if seen.contains(text) { return seen }
            let portion = try await self.receive()
            guard !portion.isEmpty else { throw Failure(description: "closed after: \(seen)") }
            all += portion
        }
    }

    /// Sends FIN and nothing else, as a cut connection would look.
    package func cut() async throws { try await self.run { _ = shutdown(self.fd, CInt(SHUT_WR)) } }

    /// What the handshake agreed on: version, suite, protocol by ALPN.
    package func session() async throws -> (version: String, cipher: String, applicationProtocol: String?) {
        try await self.run {
            guard let session = try self.tls?.session() else { throw Failure(description: "no TLS") }
            return (session.version, session.cipher, session.applicationProtocol)
        }
    }

    private func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            self.queue.async { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }
}
