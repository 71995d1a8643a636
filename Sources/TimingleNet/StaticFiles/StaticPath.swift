/// Where a request's target points below a directory that is served: names, one below the other.
///
/// Immutable.
struct StaticPath: Equatable, Sendable {
    let names: [String]
    /// True for `…/`: a directory is meant.
    let endsInSlash: Bool
    /// The raw path of the target, and its query with the question mark.
    let path: String
    let query: String

    /// Reads a target in origin form; the first `prefixCount` segments name the place at which the directory is served.
    ///
    /// Each segment is percent-decoded once, and then has to be a name that cannot mean anything else: not `.`, `..`
    /// or another that begins with a dot, without `/`, `\` or NUL. Nil for what names nothing that is served.
    init?(target: String, prefixCount: Int) {
        let bytes = Array(target.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        guard bytes.first == UInt8(ascii: "/"), mark > 0 else { return nil }
        let segments = bytes[1..<mark].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        // `/console` alone is the directory without its slash.
        guard segments.count >= prefixCount else { return nil }
        var names: [String] = []
        var rest = segments[prefixCount...]
        self.endsInSlash = segments.last?.isEmpty == true
        if self.endsInSlash, !rest.isEmpty { rest.removeLast() }
        for segment in rest {
            guard let name = percentDecoded(segment, plusIsSpace: false), Self.isServed(name) else { return nil }
            names.append(name)
        }
        self.names = names
        self.path = String(decoding: bytes[..<mark], as: UTF8.self)
        self.query = String(decoding: bytes[mark...], as: UTF8.self)
    }

    private static func isServed(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: ".") else { return false }
        // Controls name no file that anybody means, and would stand in logs.
        return name.utf8.allSatisfy { byte in
            byte >= 0x20 && byte != 0x7f && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "\\")
        }
    }
}
