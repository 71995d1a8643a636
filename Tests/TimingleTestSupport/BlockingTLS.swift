import Glibc
import TimingleNet

/// TLS over a blocking socket, for clients of tests.
///
/// Used from one thread at a time.
final class BlockingTLS: TLSTransport {
    private let fd: CInt
    private var engine: TLSEngine?
    private var isReady = false
    private var code: CInt = 0

    init(fd: CInt, context: TLSContext) {
        self.fd = fd
        self.engine = TLSEngine(context, serverName: "localhost", transport: self)
    }

    /// The session, after its handshake.
    func session() throws -> TLSEngine {
        guard let engine = self.engine else { throw RawClient.Failure(description: "no TLS session") }
        guard !self.isReady else { return engine }
        switch engine.handshake() {
        case .done: self.isReady = true
        case .wantsRead: throw RawClient.Failure(description: "handshake timed out")
        case .failed(let failure): throw RawClient.Failure(description: "handshake: \(failure.reason) \(self.code)")
        }
        return engine
    }

    func send(_ bytes: [UInt8]) throws {
        let engine = try self.session()
        for start in stride(from: 0, to: bytes.count, by: 16_384) {
            let failure = bytes[start..<min(start + 16_384, bytes.count)].withUnsafeBytes { engine.write($0) }
            if let failure { throw RawClient.Failure(description: "send: \(failure.reason)") }
            guard self.code == 0 else { throw RawClient.Failure(description: "send: \(self.code)") }
        }
    }

    /// Empty after the peer's close_notify; an end without one is a failure.
    func receive(atMost count: Int) throws -> [UInt8] {
        let engine = try self.session()
        var buffer = [UInt8](repeating: 0, count: count)
        switch buffer.withUnsafeMutableBytes({ engine.read(into: $0) }) {
        case .bytes(let read): return Array(buffer.prefix(read))
        case .finished: return []
        case .wantsRead: throw RawClient.Failure(description: "recv: \(EAGAIN)")
        case .failed(let failure): throw RawClient.Failure(description: "recv: \(failure.reason) \(self.code)")
        }
    }

    func closeNotify() throws { try self.session().closeNotify() }

    func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let count = uninterrupted { recv(self.fd, buffer.baseAddress, buffer.count, 0) }
        guard count < 0 else { return count }
        // SO_RCVTIMEO has passed.
        if errno == EAGAIN { return nil }
        self.code = errno
        return 0
    }

    func push(_ bytes: UnsafeRawBufferPointer) {
        var sent = 0
        while sent < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
            let count = uninterrupted { Glibc.send(self.fd, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return self.code = errno }
            sent += count
        }
    }
}
