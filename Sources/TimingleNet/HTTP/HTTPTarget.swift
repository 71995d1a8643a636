/// The four forms of a request target (RFC 9112 section 3.2) and the authority in them.
///
/// No state.
enum HTTPTarget {
    /// The target in origin form where it is not as it came: nil for one that is in that form already.
    ///
    /// `*` for OPTIONS and the authority for CONNECT stay as they are. The bytes are known to be printable ASCII.
    static func normalized(_ target: Span<UInt8>, method: HTTPMethod) throws(HTTPParseError) -> String? {
        try Self.checkEscapes(target)
        if method == .connect {
            guard Self.isHost(target), Self.hasPort(target.asciiString) else { throw .badTarget }
            return nil
        }
        if target[0] == UInt8(ascii: "/") { return nil }
        if target.equals("*") {
            guard method == .options else { throw .badTarget }
            return nil
        }
        let path = try Self.fromAbsolute(ArraySlice(target.asciiString.utf8))
        // RFC 9112 section 3.2.4: a target that is an authority alone asks about the server as a whole.
        return path.isEmpty ? (method == .options ? "*" : "/") : path
    }

    /// Where the authority of an absolute target lies, for a target that `normalized` has taken.
    static func authority(in bytes: Span<UInt8>, _ target: Range<Int>, method: HTTPMethod) -> Range<Int>? {
        guard method != .connect, bytes[target.lowerBound] != UInt8(ascii: "/"), target.count > 1 else { return nil }
        var start = target.lowerBound
        while bytes[start] != UInt8(ascii: "/") { start += 1 }
        start += 2
        var end = start
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        return start..<end
    }

    /// RFC 9110 section 9.3.6: the port of a tunnel is not optional, and 0 is none.
    private static func hasPort(_ authority: String) -> Bool {
        let port =
            authority.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last ?? ""[...].utf8
        return port.count < authority.utf8.count && port.contains { $0 != UInt8(ascii: "0") }
    }

    /// A host with an optional port: a name of letters, digits and `-._~`, or a bracketed IPv6 literal.
    ///
    /// Narrower than RFC 3986's reg-name: sub-delims and escapes have no use in a name and have misled proxies.
    static func isHost(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 0, bytes.count <= 261 else { return false }
        var index = 0
        if bytes[0] == UInt8(ascii: "[") {
            while index < bytes.count, bytes[index] != UInt8(ascii: "]") { index += 1 }
            guard index < bytes.count else { return false }
            let literal = bytes.extracting(1..<index).withUnsafeBufferPointer { ArraySlice($0) }
            guard IPv6Literal.isValid(literal) else { return false }
            index += 1
        } else {
            index = bytes.hostNameEnd(in: 0..<bytes.count)
            guard index > 0 else { return false }
        }
        guard index < bytes.count else { return true }
        guard bytes[index] == UInt8(ascii: ":"), bytes.count - index <= 6 else { return false }
        return bytes.extracting((index + 1)..<bytes.count).withUnsafeBufferPointer { digits in
            var port = 0
            for digit in digits {
                guard HTTPByteClass.isDigit(digit) else { return false }
                // Five digits at most.
                port = port &* 10 &+ Int(digit &- UInt8(ascii: "0"))
            }
            return port <= 65_535
        }
    }

    private static func checkEscapes(_ target: Span<UInt8>) throws(HTTPParseError) {
        for index in 0..<target.count where target[index] == UInt8(ascii: "%") {
            guard
                index + 2 < target.count,
                hexDigitValue(target[index + 1]) != nil,
                hexDigitValue(target[index + 2]) != nil
            else { throw .badTarget }
        }
    }

    private static func fromAbsolute(_ target: ArraySlice<UInt8>) throws(HTTPParseError) -> String {
        var rest: ArraySlice<UInt8>?
        for scheme in ["http://", "https://"] where rest == nil {
            let prefix = target.prefix(scheme.utf8.count)
            if asciiEqualsIgnoringCase(prefix, scheme.utf8) { rest = target.dropFirst(scheme.utf8.count) }
        }
        guard let rest else { throw .badTarget }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let authority = Array(rest[..<end])
        guard Self.isHost(authority.span) else { throw .badTarget }
        let path = String(decoding: rest[end...], as: UTF8.self)
        return path.hasPrefix("?") ? "/" + path : path
    }
}
