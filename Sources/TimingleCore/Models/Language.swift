/// A language in which the server can speak to people.
package enum Language: String, Sendable, CaseIterable, Codable {
    case korean = "ko"
    case english = "en"

    /// The language of a BCP 47 tag's first subtag; nil when we do not speak it.
    package init?(tag: some StringProtocol) {
        let primary = tag.prefix { $0 != "-" && $0 != "_" }.lowercased()
        self.init(rawValue: primary)
    }
}

/// One text in every language that the server speaks.
///
/// Immutable.
package struct LocalizedText: Sendable, Equatable {
    package let korean: String
    package let english: String

    package init(ko korean: String, en english: String) {
        self.korean = korean
        self.english = english
    }

    package subscript(language: Language) -> String {
        switch language {
        case .korean: self.korean
        case .english: self.english
        }
    }
}
