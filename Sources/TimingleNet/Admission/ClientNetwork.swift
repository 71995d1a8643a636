/// What limits on addresses count by: an IPv4 address, or the /64 of an IPv6 one.
///
/// A value. Whoever has one address of a /64 has all of them.
struct ClientNetwork: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// Nil for a unix peer, which is on this machine.
    ///
    /// An IPv4-mapped IPv6 address counts as IPv4.
    init?(_ address: SocketAddress) {
        switch address {
        case .ipv4(let address, _):
            self.high = 0
            self.low = 0xffff_0000_0000 | UInt64(address)
        case .ipv6(0, let low, _, _) where low >> 32 == 0xffff:
            self.high = 0
            self.low = low
        case .ipv6(let high, _, _, _):
            self.high = high
            self.low = 0
        case .unix:
            return nil
        }
    }
}
