internal import Foundation
internal import Glibc
internal import Synchronization

/// A TCP relay on loopback that can stop passing bytes while its connections stay open: a peer that vanished.
///
/// Any thread. Each direction is a thread that blocks; fit for tests only.
package final class PausableProxy: Sendable {
    package let port: UInt16
    private let upstreamHost: String
    private let upstreamPort: UInt16
    private let listener: CInt
    private let state = Mutex(State())

    private struct State {
        var isPaused = false
        var isClosed = false
        var descriptors: [CInt] = []
    }

    /// Listens on a free port of 127.0.0.1 and relays to an IPv4 address.
    package init(toHost upstreamHost: String, port upstreamPort: UInt16) throws {
        self.upstreamHost = upstreamHost
        self.upstreamPort = upstreamPort
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        self.port = try LoopbackPort.take()
        var address = Self.address("127.0.0.1", self.port)
        // SAFETY: sockaddr_in is one of the layouts behind sockaddr; the pointer lives during the calls.
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 else { return CInt(-1) }
                return Glibc.listen(listener, 64)
            }
        }
        guard result == 0 else { throw PausableProxyError.noSocket }
        Thread.detachNewThread { self.acceptAll() }
    }

    /// From now on bytes stay where they are, new connections included.
    package func pause() { self.state.withLock { $0.isPaused = true } }
    package func resume() { self.state.withLock { $0.isPaused = false } }

    /// Resets every connection; new ones are welcome.
    package func dropAll() {
        for descriptor in self.state.withLock({ $0.descriptors }) { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    package func close() {
        self.state.withLock {
            $0.isClosed = true
            $0.isPaused = false
        }
        shutdown(self.listener, CInt(SHUT_RDWR))
        self.dropAll()
    }

    private func acceptAll() {
        while true {
            let client = uninterrupted { accept(self.listener, nil, nil) }
            guard client >= 0 else { break }
            let upstream = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            var address = Self.address(self.upstreamHost, self.upstreamPort)
            // SAFETY: as above.
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    connect(upstream, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else {
                Glibc.close(client)
                Glibc.close(upstream)
                continue
            }
            self.state.withLock { $0.descriptors += [client, upstream] }
            Thread.detachNewThread { self.relay(from: client, to: upstream) }
            Thread.detachNewThread { self.relay(from: upstream, to: client) }
        }
        Glibc.close(self.listener)
    }

    /// Descriptors are shut down here and left open: the other direction may still use them, and tests are short.
    private func relay(from source: CInt, to target: CInt) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        loop: while true {
            let count = uninterrupted { read(source, &buffer, buffer.count) }
            guard count > 0 else { break }
            while self.state.withLock({ $0.isPaused }) { usleep(1_000) }
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { break loop }
                sent += written
            }
        }
        shutdown(target, CInt(SHUT_RDWR))
        shutdown(source, CInt(SHUT_RDWR))
    }

    private static func address(_ host: String, _ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return address
    }
}

/// Why a proxy could not be made.
package enum PausableProxyError: Error {
    case noSocket
}
