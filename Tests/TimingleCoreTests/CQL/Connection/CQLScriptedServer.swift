import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

/// A server of one test on a port of 127.0.0.1: it shakes hands and answers each request with what its script says.
///
/// Loop-confined.
final class CQLScriptedServer: ReadinessHandler {
    /// Answers one request; what it returns is sent as it is.
    typealias Script = (CQLHeader, [UInt8]) -> [UInt8]

    private let loop: EventLoop
    private let tls: TLSContext?
    private let script: Script
    private var socket: Socket?
    private var registration: RegistrationID?
    private var peers: [Peer] = []
    private(set) var port: UInt16 = 0

    init(_ loop: EventLoop, tls: TLSContext? = nil, script: @escaping Script = CQLScriptedServer.handshake) throws {
        self.loop = loop
        self.tls = tls
        self.script = script
        // Clients go on asking for it when it is closed.
        self.port = try LoopbackPort.take()
        let socket = try Socket.listening(on: .ipv4(address: 0x7F00_0001, port: self.port))
        self.registration = try loop.register(socket.fd, interest: .read, handler: self)
        self.socket = consume socket
    }

    /// SUPPORTED, READY, and void for the rest.
    static func handshake(_ header: CQLHeader, _ body: [UInt8]) -> [UInt8] {
        switch header.opcode {
        case .options: CQLFixture.frame(.supported, [0, 0], stream: header.stream)
        case .startup: CQLFixture.frame(.ready, [], stream: header.stream)
        default: CQLFixture.frame(.result, [0, 0, 0, 1], stream: header.stream)
        }
    }

    func descriptorReady(_ readiness: Readiness) {
        do {
            while true {
                guard let accepted = try self.socket?.accept() else { return }
                switch consume accepted {
                case .wouldBlock: return
                case .lost: continue
                case .accepted(let socket, let address): try self.serve(SocketStream(consume socket), address)
                }
            }
        } catch {
            Issue.record("\(error)")
        }
    }

    private func serve(_ socket: SocketStream, _ address: SocketAddress) throws {
        let io: any SocketIO = self.tls.map { TLSStream(socket, context: $0) } ?? socket
        let peer = Peer(self.script)
        let stream = StreamConnection(io: io, loop: self.loop, peerAddress: address, handler: peer)
        peer.stream = stream
        peer.address = address
        self.peers.append(peer)
        try stream.open()
    }

    /// Where each connection came from.
    var peerAddresses: [SocketAddress] { self.peers.map(\.address) }

    /// Ends every connection, but not the listener.
    func cut() {
        for peer in self.peers { peer.stream?.abort() }
    }

    func close() {
        self.cut()
        if let registration = self.registration { try? self.loop.deregister(registration) }
        self.registration = nil
        self.socket = nil
    }

    private final class Peer: StreamHandler {
        let script: Script
        var decoder = CQLFrameDecoder(direction: .request, bodyBytesMax: 1 << 20)
        var stream: StreamConnection?
        var address = SocketAddress.unspecified

        init(_ script: @escaping Script) { self.script = script }

        func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int {
            do {
                try self.decoder.decode(UnsafeRawBufferPointer(bytes).bytes) { header, body in
                    connection.send(self.script(header, body.withUnsafeBytes { Array($0) }))
                    return true
                }
            } catch {
                // Who speaks something else is not served.
                connection.abort()
            }
            return bytes.count
        }

        func peerHalfClosed(on connection: StreamConnection) { connection.closeAfterFlush() }
        func outboxDrained(on connection: StreamConnection) {}
        func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) { self.stream = nil }
    }
}
