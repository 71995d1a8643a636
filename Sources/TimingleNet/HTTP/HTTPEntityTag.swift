/// A validator of a representation's bytes: `"xyzzy"`, or `W/"xyzzy"` (RFC 9110 section 8.8.3).
///
/// A value.
struct HTTPEntityTag: Hashable, Sendable {
    /// What stands between the quotes.
    var opaque: String
    var isWeak = false

    var fieldValue: String { self.isWeak ? "W/\"\(self.opaque)\"" : "\"\(self.opaque)\"" }

    /// Equal, and neither is weak.
    func matchesStrongly(_ other: HTTPEntityTag) -> Bool {
        !self.isWeak && !other.isWeak && self.opaque == other.opaque
    }

    /// Equal, whether weak or not.
    func matchesWeakly(_ other: HTTPEntityTag) -> Bool { self.opaque == other.opaque }
}

extension HTTPEntityTag {
    /// What If-Match and If-None-Match say.
    enum List: Equatable {
        /// `*`: whatever there is.
        case any
        case tags([HTTPEntityTag])

        /// Reads a field's value, repeats joined by commas.
        ///
        /// What is no list is read as far as it is one. So a broken If-Match matches too little, which refuses, and a
        /// broken If-None-Match does, which sends everything: both err to the safe side.
        init(_ value: String) {
            var rest = Array(value.utf8)[...]
            guard !rest.trimmingHTTPWhitespace().elementsEqual("*".utf8) else {
                self = .any
                return
            }
            var tags: [HTTPEntityTag] = []
            while true {
                while let first = rest.first, first == UInt8(ascii: ",") || first == 0x20 || first == 0x09 {
                    rest.removeFirst()
                }
                guard let tag = HTTPEntityTag(takenFrom: &rest) else { break }
                tags.append(tag)
                rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
                guard rest.first == UInt8(ascii: ",") else { break }
            }
            self = .tags(tags)
        }
    }

    /// Reads a value that is one tag and nothing else.
    init?(_ value: String) {
        var rest = Array(value.utf8).trimmingHTTPWhitespace()
        guard let tag = HTTPEntityTag(takenFrom: &rest), rest.isEmpty else { return nil }
        self = tag
    }

    private init?(takenFrom bytes: inout ArraySlice<UInt8>) {
        var rest = bytes
        // Case-sensitive.
        let isWeak = rest.starts(with: "W/".utf8)
        if isWeak { rest = rest.dropFirst(2) }
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest.removeFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        // etagc: 0x21, 0x23 to 0x7e, obs-text; no backslash escapes anything.
        guard rest[..<end].allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        self.init(opaque: String(decoding: rest[..<end], as: UTF8.self), isWeak: isWeak)
        bytes = rest[(end + 1)...]
    }
}
