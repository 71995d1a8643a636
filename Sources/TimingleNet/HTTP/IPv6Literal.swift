/// The text of an IPv6 address inside its brackets (RFC 3986 section 3.2.2).
///
/// No state.
enum IPv6Literal {
    /// Eight groups of up to four hexadecimal digits; one `::` stands for one or more of them, the last two may be an
    /// IPv4 address.
    ///
    /// A zone has no meaning to us and is refused.
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        var groups = 0
        var isShortened = false
        var rest = bytes
        let colon = UInt8(ascii: ":")
        while !rest.isEmpty {
            if rest.starts(with: [colon, colon]) {
                guard !isShortened else { return false }
                isShortened = true
                rest = rest.dropFirst(2)
                continue
            }
            if groups > 0, !bytes[..<rest.startIndex].suffix(2).elementsEqual([colon, colon]) {
                guard rest.first == colon else { return false }
                rest = rest.dropFirst()
            }
            let group = rest.prefix { $0 != colon }
            rest = rest[group.endIndex...]
            if group.contains(UInt8(ascii: ".")) {
                guard rest.isEmpty, Self.isIPv4(group) else { return false }
                groups += 2
            } else {
                guard (1...4).contains(group.count), group.allSatisfy({ hexDigitValue($0) != nil }) else {
                    return false
                }
                groups += 1
            }
            guard groups <= 8 else { return false }
        }
        return isShortened ? groups < 8 : groups == 8
    }

    private static func isIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(HTTPByteClass.isDigit) else { return false }
                guard part.count == 1 || part.first != UInt8(ascii: "0") else { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }
}
