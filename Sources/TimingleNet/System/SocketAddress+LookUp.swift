internal import CLinux
internal import Glibc

extension SocketAddress {
    /// Addresses of one name that are believed.
    private static let lookedUpMax = 64

    /// Asks the system for the addresses of a host; none where it has none.
    ///
    /// Blocks: never on a loop.
    static func lookUp(_ host: String, port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let first = list else { return [] }
        defer { freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next, addresses.count < self.lookedUpMax {
            if let raw = entry.pointee.ai_addr {
                var storage = sockaddr_storage()
                let length = min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
                withUnsafeMutableBytes(of: &storage) { bytes in
                    // SAFETY: getaddrinfo gives `ai_addrlen` bytes at `ai_addr`, freed by `defer` after us.
                    bytes.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: length))
                }
                addresses.append(SocketAddress(storage, length: socklen_t(length)))
            }
            next = entry.pointee.ai_next
        }
        return addresses.filter { $0.port != nil && $0 != .unspecified }
    }
}
