internal import TimingleNet

/// Takes the environment's texts apart by the table, and gathers every problem instead of stopping at the first.
struct ConfigurationReader {
    private let variables: [String: String]
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var isProduction = false

    /// Reads all of `table`, so that a broken value is reported even where this role does not use it.
    init(variables: [String: String]) {
        self.variables = variables
        self.isProduction = self.choice(ConfigurationTable.environment) == "production"
        for variable in ConfigurationTable.all {
            guard let text = self.givenText(variable), let rule = Self.brokenRule(variable.rule, text) else { continue }
            self.report(variable, rule)
        }
    }

    /// The text that was given; an empty one counts as none.
    func givenText(_ variable: ConfigurationVariable) -> String? {
        for name in [variable.name] + variable.aliases {
            if let text = self.variables[name], !text.isEmpty { return text }
        }
        return nil
    }

    /// The text that counts: given, or the default.
    func text(_ variable: ConfigurationVariable) -> String? {
        if let given = self.givenText(variable) { return given }
        return self.isProduction ? variable.productionDefaultText : variable.defaultText
    }

    mutating func report(_ variable: ConfigurationVariable, _ rule: String) {
        let value = variable.isSecret ? nil : self.givenText(variable)
        self.problems.append(ConfigurationProblem(variable: variable.name, value: value, rule: rule))
    }

    // A text that breaks its rule is reported already; these then answer the default.

    func string(_ variable: ConfigurationVariable) -> String { self.valid(variable) ?? "" }

    func choice(_ variable: ConfigurationVariable) -> String {
        guard case .choice(let rows) = variable.rule else { preconditionFailure("\(variable.name) is no choice") }
        let text = self.valid(variable)?.lowercased() ?? ""
        return rows.first { $0.contains(text) }?.first ?? ""
    }

    func flag(_ variable: ConfigurationVariable) -> Bool {
        self.valid(variable).flatMap(Self.flagValue) ?? false
    }

    func integer(_ variable: ConfigurationVariable) -> Int { self.valid(variable).flatMap { Int($0) } ?? 0 }

    func duration(_ variable: ConfigurationVariable) -> Duration {
        self.valid(variable).flatMap(DurationText.parse) ?? .zero
    }

    func list(_ variable: ConfigurationVariable) -> [String] { Self.members(self.valid(variable) ?? "") }

    private func valid(_ variable: ConfigurationVariable) -> String? {
        guard let text = self.text(variable) else { return nil }
        guard Self.brokenRule(variable.rule, text) != nil else { return text }
        return self.isProduction ? variable.productionDefaultText : variable.defaultText
    }

    private static func members(_ text: String) -> [String] {
        text.split(separator: ",").map { Self.trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func flagValue(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: nil
        }
    }

    /// What `text` should have been, or nil when it is fine.
    private static func brokenRule(_ rule: ConfigurationRule, _ text: String) -> String? {
        switch rule {
        case .text, .list:
            return nil
        case .choice(let rows):
            guard !rows.contains(where: { $0.contains(text.lowercased()) }) else { return nil }
            return "must be one of \(rows.compactMap(\.first).joined(separator: ", "))"
        case .flag:
            return Self.flagValue(text) == nil ? "must be true or false" : nil
        case .integer(let range):
            if let value = Int64(text), range.contains(value) { return nil }
            return "must be an integer from \(rule.rangeText)"
        case .duration(let range):
            if let value = DurationText.parse(text), range.contains(value) { return nil }
            return "must be a duration such as 15m, 1h30m or 7d, from \(rule.rangeText)"
        case .url(let schemes):
            if schemes.contains(where: { text.hasPrefix("\($0)://") && text.utf8.count > $0.utf8.count + 3 }) {
                return nil
            }
            return "must start with \(schemes.map { "\($0)://" }.joined(separator: " or "))"
        case .address:
            if !text.contains("/"), SocketAddress(parsing: text, port: 0) != nil { return nil }
            return "must be an IPv4 or IPv6 address"
        case .addressBlocks:
            let wrong = Self.members(text).filter { AddressBlock($0) == nil }
            return wrong.isEmpty ? nil : "\(wrong.joined(separator: ", ")) is no IP address or CIDR block"
        }
    }
}
