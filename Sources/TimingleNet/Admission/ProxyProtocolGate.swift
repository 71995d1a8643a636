/// Where connections of trusted proxies wait for their PROXY header, on one loop.
///
/// Loop-confined. Only trusted peers get here, each for the length of a deadline, and the listener's limit on
/// connections counts them.
final class ProxyProtocolGate {
    private let loop: EventLoop
    private let limits: HTTPLimits
    private let log: Log
    private var readers: [ObjectIdentifier: ProxyProtocolReader] = [:]

    init(loop: EventLoop, limits: HTTPLimits, log: Log) {
        self.loop = loop
        self.limits = limits
        self.log = log
    }

    /// Reads the header of a connection; then calls `passed` with the client's address, or `lost`, once.
    func enter(
        _ socket: consuming Socket,
        peer: SocketAddress,
        passed: @escaping (consuming Socket, SocketAddress) -> Void,
        lost: @escaping () -> Void
    ) {
        var name: ObjectIdentifier?
        let reader = ProxyProtocolReader(
            socket,
            loop: self.loop,
            contentBytesMax: self.limits.proxyHeaderBytes
        ) { outcome, socket in
            if let name { self.readers[name] = nil }
            switch outcome {
            case .header(let header):
                return passed(socket, header.source ?? peer)
            case .failed(let error):
                self.log.warning("PROXY header refused", ["peer": .text(peer.host), "reason": .text(error.reason)])
            case .timedOut:
                self.log.warning("PROXY header did not come in time", ["peer": .text(peer.host)])
            case .gone:
                break
            }
            lost()
        }
        name = ObjectIdentifier(reader)
        self.readers[ObjectIdentifier(reader)] = reader
        reader.open(deadline: self.limits.proxyHeaderDeadline)
    }

    func abortAll() {
        for reader in self.readers.values { reader.abort() }
    }
}
