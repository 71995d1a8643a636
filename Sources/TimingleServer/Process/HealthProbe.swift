internal import Glibc
internal import TimingleNet

/// Asks a running server whether it is ready, for `timingle healthcheck`.
enum HealthProbe {
    /// A PROXY header, version 2, by which a proxy speaks for itself (LOCAL, no addresses).
    private static let proxyHeader: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10, 0x20, 0, 0, 0]

    /// Whom the probe asks for a server that listens on `address`.
    static func host(for address: String) -> String {
        switch address {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: address
        }
    }

    /// True for status 200 within three seconds; `asProxy` says that the server wants a PROXY header from here.
    ///
    /// With `tls` it speaks HTTPS; whose certificate it is does not matter, since nothing is told. Blocks.
    static func isReady(host: String, port: UInt16, asProxy: Bool, tls: TLSContext? = nil) -> Bool {
        let isIPv6 = host.contains(":")
        let fd = socket(isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        var timeout = timeval(tv_sec: 3, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        _ = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        guard isIPv6 ? Self.connect6(fd, host, port) : Self.connect4(fd, host, port) else { return false }
        let stream = BlockingStream(fd: fd)
        if asProxy, !stream.sendAll(Self.proxyHeader) { return false }
        if let tls, !stream.begin(tls) { return false }
        let request = Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard stream.write(request) else { return false }
        var answer: [UInt8] = []
        while answer.count < 12 {
            let portion = stream.read(atMost: 12 - answer.count)
            guard !portion.isEmpty else { return false }
            answer += portion
        }
        return answer == Array("HTTP/1.1 200".utf8)
    }

    private static func connect4(_ fd: CInt, _ host: String, _ port: UInt16) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return false }
        // SAFETY: sockaddr_in is made to be seen as sockaddr.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func connect6(_ fd: CInt, _ host: String, _ port: UInt16) -> Bool {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return false }
        // SAFETY: sockaddr_in6 is made to be seen as sockaddr.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }
}
