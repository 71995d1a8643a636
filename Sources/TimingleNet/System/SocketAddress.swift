internal import CLinux
internal import Glibc

/// An IPv4, IPv6 or unix address.
///
/// A value.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four bytes in reading order.
    case ipv4(address: UInt32, port: UInt16)
    /// Two halves in reading order, and the interface for link-local addresses.
    case ipv6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)
    case unix(path: String)

    /// 0.0.0.0:0: stands where no peer is known (tests, unnamed unix peers).
    package static let unspecified = SocketAddress.ipv4(address: 0, port: 0)

    /// Parses a literal: `127.0.0.1`, `::1`, `[::1]`, `::ffff:1.2.3.4`, `/run/x.sock` or `unix:/run/x.sock`.
    ///
    /// Names are not resolved. Nil for anything else.
    package init?(parsing text: String, port: UInt16) {
        if text.hasPrefix("/") || text.hasPrefix("unix:") {
            let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
            // sun_path has 108 bytes, the last one for the terminator.
            guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        var literal = text
        if literal.hasPrefix("["), literal.hasSuffix("]") { literal = String(literal.dropFirst().dropLast()) }
        guard !literal.isEmpty, literal.utf8.count < 64, !literal.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, literal, &four) == 1, literal == text {
            self = .ipv4(address: UInt32(bigEndian: four.s_addr), port: port)
            return
        }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, literal, &sixteen) == 1 else { return nil }
        let (high, low) = Self.halves(sixteen)
        self = .ipv6(high: high, low: low, port: port, scope: 0)
    }

    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// The address without its port, an IPv4-mapped IPv6 address as IPv4: the key of rate limits and access logs.
    package var host: String {
        switch self {
        case .ipv4(let address, _):
            return Self.dotted(address)
        case .ipv6(0, let low, _, _) where low >> 32 == 0xffff:
            return Self.dotted(UInt32(truncatingIfNeeded: low))
        case .ipv6(let high, let low, _, _):
            var address = Self.in6(high, low)
            // INET6_ADDRSTRLEN is 46.
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { buffer in
                guard let base = buffer.baseAddress, inet_ntop(AF_INET6, &address, base, 46) != nil else { return "::" }
                return String(cString: base)
            }
        case .unix(let path):
            return path
        }
    }

    package var description: String {
        switch self {
        case .ipv4(let address, let port): "\(Self.dotted(address)):\(port)"
        case .ipv6(_, _, let port, _): "[\(self.host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Any address of this one's family, at a port; nil for unix.
    func anyAddress(port: UInt16) -> SocketAddress? {
        switch self {
        case .ipv4: .ipv4(address: 0, port: port)
        case .ipv6: .ipv6(high: 0, low: 0, port: port, scope: 0)
        case .unix: nil
        }
    }

    var family: CInt {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    private static func dotted(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 0xff).\(address >> 8 & 0xff).\(address & 0xff)"
    }

    private static func halves(_ address: in6_addr) -> (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: address) { bytes in
            // SAFETY: in6_addr is 16 bytes; unaligned loads.
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    private static func in6(_ high: UInt64, _ low: UInt64) -> in6_addr {
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { bytes in
            // SAFETY: in6_addr is 16 bytes, and any bits are valid in it.
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }
}

extension SocketAddress {
    /// Calls `body` with the kernel's form of this address.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { raw in
            switch self {
            case .ipv4(let address, let port):
                var value = sockaddr_in()
                value.sin_family = sa_family_t(AF_INET)
                value.sin_port = port.bigEndian
                value.sin_addr.s_addr = address.bigEndian
                raw.storeBytes(of: value, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .ipv6(let high, let low, let port, let scope):
                var value = sockaddr_in6()
                value.sin6_family = sa_family_t(AF_INET6)
                value.sin6_port = port.bigEndian
                value.sin6_addr = Self.in6(high, low)
                value.sin6_scope_id = scope
                raw.storeBytes(of: value, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                let bytes = Array(path.utf8.prefix(107))
                raw[2..<(2 + bytes.count)].copyBytes(from: bytes)
                return 2 + bytes.count + 1
            }
        }
        // SAFETY: sockaddr_storage is made to be seen as sockaddr, and the pointer lives during the call.
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    /// Reads what the kernel wrote; an unnamed or foreign family becomes `unspecified`.
    init(_ storage: sockaddr_storage, length: socklen_t) {
        self = withUnsafeBytes(of: storage) { raw in
            switch CInt(storage.ss_family) {
            case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
                // SAFETY: the family and length say that a sockaddr_in lies here.
                let value = raw.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(address: UInt32(bigEndian: value.sin_addr.s_addr), port: UInt16(bigEndian: value.sin_port))
            case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
                // SAFETY: the family and length say that a sockaddr_in6 lies here.
                let value = raw.loadUnaligned(as: sockaddr_in6.self)
                let (high, low) = Self.halves(value.sin6_addr)
                let port = UInt16(bigEndian: value.sin6_port)
                return .ipv6(high: high, low: low, port: port, scope: value.sin6_scope_id)
            case AF_UNIX where length > 3:
                let path = raw[2..<min(Int(length), raw.count)].prefix { $0 != 0 }
                return path.isEmpty ? .unspecified : .unix(path: String(decoding: path, as: UTF8.self))
            default:
                return .unspecified
            }
        }
    }
}
