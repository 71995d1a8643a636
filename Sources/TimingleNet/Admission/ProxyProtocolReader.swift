/// Reads the PROXY header of one accepted connection, then gives the socket on, untouched behind the header.
///
/// Loop-confined. The loop's registration keeps it alive; its end is one call of `ended`.
///
/// It reads exactly the header's bytes, prefix first, so that what follows (TLS or HTTP) is still in the kernel and
/// whoever takes the socket over needs to know nothing of this.
final class ProxyProtocolReader: ReadinessHandler {
    enum Outcome: Sendable {
        case header(ProxyProtocolHeader)
        case failed(ProxyProtocolError)
        case timedOut
        /// The proxy went away, which a check of its own for our health looks like, or we gave it up.
        case gone
    }

    private let loop: EventLoop
    private let contentBytesMax: Int
    private var socket: Socket?
    private var registration: RegistrationID?
    private var timer: TimerToken?
    private var buffer: [UInt8] = []
    private var wanted = ProxyProtocolHeader.prefixBytes
    private var ended: ((Outcome, consuming Socket) -> Void)?

    init(
        _ socket: consuming Socket,
        loop: EventLoop,
        contentBytesMax: Int,
        ended: @escaping (Outcome, consuming Socket) -> Void
    ) {
        self.socket = consume socket
        self.loop = loop
        self.contentBytesMax = contentBytesMax
        self.ended = ended
    }

    /// Begins; the header is usually there already, and then this is all.
    func open(deadline: Duration) {
        self.read()
        guard let fd = self.socket?.fd else { return }
        do throws(SystemError) {
            self.registration = try self.loop.register(fd, interest: .read, handler: self)
        } catch {
            return self.end(.gone)
        }
        self.timer = self.loop.schedule(after: deadline) {
            self.timer = nil
            self.end(.timedOut)
        }
    }

    /// Gives the connection up.
    func abort() { self.end(.gone) }

    func descriptorReady(_ readiness: Readiness) { self.read() }

    private func read() {
        while self.socket != nil {
            let missing = self.wanted - self.buffer.count
            do throws(SystemError) {
                guard case .processed(let count) = try self.readPortion(missing) else { return }
                guard count > 0 else { return self.end(.gone) }
            } catch {
                return self.end(.gone)
            }
            // A local, because a span must not outlive its access to a stored property.
            let bytes = self.buffer
            do throws(ProxyProtocolError) {
                switch try ProxyProtocolHeader.parse(bytes.span, contentBytesMax: self.contentBytesMax) {
                case .needMoreBytes(let total): self.wanted = total
                case .header(let header, _): return self.end(.header(header))
                }
            } catch {
                return self.end(.failed(error))
            }
        }
    }

    private func readPortion(_ count: Int) throws(SystemError) -> IOResult {
        let filled = self.buffer.count
        self.buffer.append(contentsOf: repeatElement(0, count: count))
        var result: IOResult = .wouldBlock
        var failure: SystemError?
        self.buffer.withUnsafeMutableBytes { bytes in
            do throws(SystemError) {
                result =
                    try self.socket?.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])) ?? result
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if case .processed(let read) = result {
            self.buffer.removeLast(count - read)
        } else {
            self.buffer.removeLast(count)
        }
        return result
    }

    private func end(_ outcome: Outcome) {
        guard let ended = self.ended, let socket = self.socket.take() else { return }
        self.ended = nil
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = nil
        if let registration = self.registration {
            self.registration = nil
            // The descriptor is open and registered, so epoll has no reason to refuse.
            try? self.loop.deregister(registration)
        }
        ended(outcome, socket)
    }
}
