internal import Glibc

/// Our own duplicate of libpq's socket, for the selector.
///
/// libpq closes its descriptor whenever it finds the connection broken, inside any call. A registration of that
/// number would then name nothing, or somebody else's new socket. The duplicate stays ours until deinit.
struct PostgresSocket: ~Copyable {
    let fd: CInt

    init?(duplicating fd: CInt) {
        guard fd >= 0 else { return nil }
        let copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        self.fd = copy
    }

    deinit { close(self.fd) }
}

/// Turns the host names among libpq's keywords into addresses, so that libpq never waits for a name server.
enum PostgresHostResolver {
    private static let addressesPerHost = 8

    /// Blocks: never on a loop.
    ///
    /// Returns the keywords with `hostaddr` beside each `host`, nil if no name is known.
    static func resolve(_ keywords: [String: String]) -> [String: String]? {
        guard keywords["hostaddr"] == nil, let list = keywords["host"], !list.isEmpty else { return keywords }
        let names = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let givenPorts = (keywords["port"] ?? "5432").split(separator: ",", omittingEmptySubsequences: false)
        guard givenPorts.count == 1 || givenPorts.count == names.count else { return keywords }
        var hosts: [String] = []
        var addresses: [String] = []
        var ports: [String] = []
        for (index, name) in names.enumerated() {
            let isLocal = name.isEmpty || name.hasPrefix("/") || name.hasPrefix("@")
            for address in isLocal ? [""] : Self.addresses(of: name) {
                hosts.append(name)
                addresses.append(address)
                ports.append(String(givenPorts.count == 1 ? givenPorts[0] : givenPorts[index]))
            }
        }
        guard !hosts.isEmpty else { return nil }
        var result = keywords
        result["host"] = hosts.joined(separator: ",")
        result["hostaddr"] = addresses.joined(separator: ",")
        result["port"] = ports.joined(separator: ",")
        return result
    }

    private static func addresses(of name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        // SAFETY: the list is walked before freeaddrinfo; each text is copied out of `text` at once.
        var entry = list
        while let current = entry?.pointee, addresses.count < Self.addressesPerHost {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            if getnameinfo(current.ai_addr, current.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST) == 0 {
                addresses.append(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
            entry = current.ai_next
        }
        return addresses
    }
}
