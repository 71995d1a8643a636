#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// If-Match and If-None-Match: tags are stable when written anew; a list that is cut off says less, never another thing.
enum EntityTagFuzz {
    static func check(_ input: FuzzInput) throws {
        let text = String(decoding: input.bytes, as: UTF8.self)
        let list = HTTPEntityTag.List(text)
        if let tag = HTTPEntityTag(text) {
            try FuzzFinding.unless(list == .tags([tag]), "one tag is a list of one")
        }
        guard case .tags(let tags) = list else {
            let bare = text.utf8.filter { $0 != 0x20 && $0 != 0x09 }
            return try FuzzFinding.unless(bare == Array("*".utf8), "only a star is everything")
        }
        for tag in tags { try Self.check(tag) }
        for separator in [",", " , ", ",,\t"] {
            let again = tags.map(\.fieldValue).joined(separator: separator)
            try FuzzFinding.unless(HTTPEntityTag.List(again) == list, "\(again) is the same")
        }
        let bytes = Array(text.utf8)
        for cut in input.cuts where cut <= bytes.count {
            // Cut where no character is.
            guard let begun = String(validating: bytes[..<cut], as: UTF8.self) else { continue }
            guard case .tags(let some) = HTTPEntityTag.List(begun) else { continue }
            try FuzzFinding.unless(tags.starts(with: some), "\(some) comes of \(begun)")
        }
    }

    private static func check(_ tag: HTTPEntityTag) throws {
        try FuzzFinding.unless(
            tag.opaque.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") },
            "\(tag) is a tag"
        )
        try FuzzFinding.unless(HTTPEntityTag(tag.fieldValue) == tag, "\(tag.fieldValue) reads back")
        try FuzzFinding.unless(tag.matchesWeakly(tag), "it is itself")
        try FuzzFinding.unless(tag.matchesStrongly(tag) == !tag.isWeak, "a weak one is no proof")
        let other = HTTPEntityTag(opaque: tag.opaque, isWeak: !tag.isWeak)
        try FuzzFinding.unless(tag.matchesWeakly(other) && !tag.matchesStrongly(other), "one of them is weak")
    }
}
