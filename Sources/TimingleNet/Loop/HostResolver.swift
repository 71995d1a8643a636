internal import Dispatch

/// Turns hosts into addresses.
///
/// getaddrinfo blocks, so it has a Dispatch queue of its own; literals never leave the loop.
package enum HostResolver {
    private static let queue = DispatchQueue(label: "timingle.resolver", attributes: .concurrent)

    /// Tells the addresses of all names, in their order and without repetition; one that has none adds none.
    ///
    /// Called on `loop`, where `completion` is called afterwards, never inside of this call.
    package static func resolve(
        _ names: [(host: String, port: UInt16)],
        on loop: EventLoop,
        completion: @escaping ([SocketAddress]) -> Void
    ) {
        let completion = LoopBound(completion, on: loop)
        let literals = names.compactMap { self.literal($0.host, $0.port) }
        if literals.count == names.count {
            return loop.execute { completion.value(self.distinct(literals)) }
        }
        self.queue.async {
            let addresses = names.flatMap { name in
                self.literal(name.host, name.port).map { [$0] } ?? SocketAddress.lookUp(name.host, port: name.port)
            }
            loop.execute { completion.value(self.distinct(addresses)) }
        }
    }

    private static func literal(_ host: String, _ port: UInt16) -> SocketAddress? {
        guard let address = SocketAddress(parsing: host, port: port), address.port != nil else { return nil }
        return address
    }

    private static func distinct(_ addresses: [SocketAddress]) -> [SocketAddress] {
        var seen: Set<SocketAddress> = []
        return addresses.filter { seen.insert($0).inserted }
    }
}
