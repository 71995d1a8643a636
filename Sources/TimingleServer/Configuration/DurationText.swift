/// Durations as operators write them: Go's syntax with `d` for days, or a bare number of seconds.
///
/// `15m`, `1h30m`, `1.5h`, `250ms`, `7d`, `54`.
enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("ms", 1_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000), ("us", 1_000), ("µs", 1_000), ("ns", 1),
    ]

    /// Nil for anything else: signs, spaces, missing or unknown units, what does not fit in 292 years.
    static func parse(_ text: String) -> Duration? {
        var rest = Substring(text)
        guard !rest.isEmpty, rest.utf8.count <= 64 else { return nil }
        if let seconds = Int64(text), rest.allSatisfy(\.isNumber) {
            return seconds <= Int64.max / 1_000_000_000 ? .seconds(seconds) : nil
        }
        var total: Int64 = 0
        while !rest.isEmpty {
            guard let part = Self.part(&rest) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
        }
        return .nanoseconds(total)
    }

    /// One number and its unit, in nanoseconds.
    private static func part(_ rest: inout Substring) -> Int64? {
        let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
        let unitText = rest.dropFirst(number.count).prefix { !("0"..."9").contains($0) && $0 != "." }
        rest = rest.dropFirst(number.count + unitText.count)
        guard let unit = Self.units.first(where: { $0.name == unitText })?.nanoseconds else { return nil }
        let pieces = number.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count <= 2, number.contains(where: { $0 != "." }) else { return nil }
        guard let whole = pieces[0].isEmpty ? 0 : Int64(pieces[0]) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        guard pieces.count == 2 else { return product }
        var fraction: Int64 = 0
        var weight = unit / 10
        for digit in pieces[1].utf8 {
            fraction += Int64(digit - UInt8(ascii: "0")) * weight
            weight /= 10
        }
        let (sum, carry) = product.addingReportingOverflow(fraction)
        return carry ? nil : sum
    }

    /// The shortest text of whole units that reads back as `duration`.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if milliseconds != 0 { return "\(seconds * 1_000 + milliseconds)ms" }
        if seconds == 0 { return "0s" }
        if seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        if seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }
}
