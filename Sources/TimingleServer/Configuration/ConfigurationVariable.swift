/// What a variable's text must be.
enum ConfigurationRule: Sendable {
    case text
    /// One of the first words of each row; the others of a row are accepted for it.
    case choice([[String]])
    case flag
    case integer(ClosedRange<Int64>)
    case duration(ClosedRange<Duration>)
    /// Starts with one of the schemes and `://`.
    case url(schemes: [String])
    /// Comma-separated.
    case list
    /// An IPv4 or IPv6 address, no name.
    case address
    /// Comma-separated addresses or CIDR blocks.
    case addressBlocks

    var typeName: String {
        switch self {
        case .text: "text"
        case .choice(let rows): rows.compactMap(\.first).joined(separator: " \\| ")
        case .flag: "true \\| false"
        case .integer: "integer"
        case .duration: "duration"
        case .url(let schemes): schemes.map { "\($0)://" }.joined(separator: " \\| ")
        case .list: "list"
        case .address: "IP address"
        case .addressBlocks: "list of IP addresses or CIDR blocks"
        }
    }

    /// The allowed range for people, or nothing.
    var rangeText: String {
        switch self {
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            "\(DurationText.text(of: range.lowerBound)) to \(DurationText.text(of: range.upperBound))"
        case .text, .choice, .flag, .url, .list, .address, .addressBlocks: ""
        }
    }
}

/// One environment variable: the source of its validation, of `config print`, and of the documentation.
///
/// Immutable.
struct ConfigurationVariable: Sendable {
    let name: String
    /// Older and other spellings; the first of name and aliases that has a text wins.
    let aliases: [String]
    let rule: ConfigurationRule
    /// Nil: unset is a value of its own.
    let defaultText: String?
    let productionDefaultText: String?
    let isSecret: Bool
    let help: String

    init(
        _ name: String,
        aliases: [String] = [],
        _ rule: ConfigurationRule,
        default defaultText: String? = nil,
        inProduction productionDefaultText: String? = nil,
        isSecret: Bool = false,
        _ help: String
    ) {
        self.name = name
        self.aliases = aliases
        self.rule = rule
        self.defaultText = defaultText
        self.productionDefaultText = productionDefaultText ?? defaultText
        self.isSecret = isSecret
        self.help = help
    }
}

/// A variable whose text breaks a rule; says which, and what would be right.
struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    let variable: String
    /// Nil where the value is secret or missing.
    let value: String?
    let rule: String

    var description: String {
        guard let value else { return "\(self.variable): \(self.rule)" }
        return "\(self.variable)=\(value): \(self.rule)"
    }
}
