internal import Glibc
internal import TimingleNet

/// A blocking socket, with TLS on it where that was begun: for a probe that has nothing else to do.
///
/// Used from one thread.
final class BlockingStream: TLSTransport {
    private let fd: CInt
    private var engine: TLSEngine?
    private var hasFailed = false

    /// Borrows the descriptor.
    init(fd: CInt) { self.fd = fd }

    /// Shakes hands; false when the peer does not.
    func begin(_ context: TLSContext) -> Bool {
        guard let engine = TLSEngine(context, transport: self) else { return false }
        self.engine = engine
        return engine.handshake() == .done
    }

    func write(_ bytes: [UInt8]) -> Bool {
        guard let engine = self.engine else { return self.sendAll(bytes) }
        return bytes.withUnsafeBytes { engine.write($0) } == nil && !self.hasFailed
    }

    /// Empty at the end, or after a failure.
    func read(atMost count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read = buffer.withUnsafeMutableBytes { buffer in
            guard let engine = self.engine else { return self.pull(into: buffer) ?? 0 }
            if case .bytes(let count) = engine.read(into: buffer) { return count }
            return 0
        }
        return Array(buffer.prefix(read))
    }

    /// Sends past TLS.
    func sendAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { self.push($0) }
        return !self.hasFailed
    }

    func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        // SAFETY: stays within the buffer, which lives during the call.
        let count = recv(self.fd, buffer.baseAddress, buffer.count, 0)
        return count < 0 ? nil : count
    }

    func push(_ bytes: UnsafeRawBufferPointer) {
        var sent = 0
        while sent < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
            // SAFETY: stays within the bytes, which live during the call.
            let count = send(self.fd, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
            guard count > 0 else {
                self.hasFailed = true
                return
            }
            sent += count
        }
    }
}
