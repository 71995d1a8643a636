internal import Glibc

/// Ports of 127.0.0.1 for programs that must be told theirs.
package enum LoopbackPort {
    struct NoneIsFree: Error {}

    /// What was handed out: no port is given twice in a run.
    private static let given = Locked<Set<UInt16>>([])

    /// A port that was free a moment ago.
    ///
    /// It lies below the range from which outgoing connections take theirs (ip(7), ip_local_port_range). A client that
    /// tries again and again to reach a program that is down would in the end be given the program's port as its own,
    /// be connected to itself, and keep the program from coming back.
    package static func take() throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 12_000..<32_000)
            if self.given.withLock({ $0.insert(port).inserted }), self.isFree(port) { return port }
        }
        throw NoneIsFree()
    }

    private static func isFree(_ port: UInt16) -> Bool { self.withSocket(port) { bind($0, $1, $2) } == 0 }

    /// True when somebody listens there.
    static func accepts(_ port: UInt16) -> Bool { self.withSocket(port) { connect($0, $1, $2) } == 0 }

    private static func withSocket(
        _ port: UInt16,
        _ body: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        let fd = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // SAFETY: sockaddr_in is one of the layouts behind sockaddr; the pointer lives during the call.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
