internal import TimingleCore

/// The languages that a client asks for (RFC 9110 section 12.5.4), as far as we speak them.
enum AcceptLanguage {
    /// The spoken language with the greatest weight, the earlier one of equals; nil when none is named.
    ///
    /// `*` names none: then the user's own setting decides. Members beyond the 32nd are ignored.
    static func preferred(_ text: String?) -> Language? {
        guard let text else { return nil }
        var best: (language: Language, weight: Int)?
        for member in text.split(separator: ",").prefix(32) {
            let parts = member.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let tag = parts.first, let language = Language(tag: tag) else { continue }
            let weight = parts.dropFirst().lazy.compactMap(Self.weight).first ?? 1_000
            if weight > best?.weight ?? 0 { best = (language, weight) }
        }
        return best?.language
    }

    /// `q=0.8` in thousandths; nil for another parameter or a malformed weight.
    private static func weight(_ parameter: String) -> Int? {
        guard parameter.lowercased().hasPrefix("q=") else { return nil }
        let pieces = parameter.dropFirst(2).split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count <= 2, let whole = Int(pieces[0]), 0...1 ~= whole else { return nil }
        guard pieces.count == 2 else { return whole * 1_000 }
        guard pieces[1].utf8.count <= 3, let fraction = pieces[1].isEmpty ? 0 : Int(pieces[1]), fraction >= 0 else {
            return nil
        }
        let scale = [1_000, 100, 10, 1][pieces[1].utf8.count]
        return min(1_000, whole * 1_000 + fraction * scale)
    }
}
