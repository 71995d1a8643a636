internal import Dispatch
internal import Glibc
internal import TimingleNet

/// Turns a host into addresses that hiredis takes without asking anybody.
///
/// getaddrinfo blocks, so it has a Dispatch queue of its own; literals never leave the loop.
enum RedisResolver {
    private static let queue = DispatchQueue(label: "timingle.redis.resolver", attributes: .concurrent)

    static func isLiteral(_ host: String) -> Bool {
        SocketAddress(parsing: host, port: 0) != nil && !host.hasPrefix("/") && !host.hasPrefix("unix:")
    }

    /// Calls `completion` on `loop`; an empty list means that the name has no address.
    static func resolve(_ host: String, on loop: EventLoop, completion: @escaping @Sendable ([String]) -> Void) {
        self.queue.async {
            let addresses = self.lookUp(host)
            loop.execute { completion(addresses) }
        }
    }

    private static func lookUp(_ host: String) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else { return [] }
        defer { freeaddrinfo(first) }
        var addresses: [String] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next, addresses.count < 8 {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            // SAFETY: `entry` is an element of the list that getaddrinfo made and that `defer` frees after us.
            let result = getnameinfo(
                entry.pointee.ai_addr,
                entry.pointee.ai_addrlen,
                &text,
                socklen_t(text.count),
                nil,
                0,
                NI_NUMERICHOST
            )
            let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if result == 0, !addresses.contains(address) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
