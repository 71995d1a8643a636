/// What a client says about content codings: the Accept-Encoding field (RFC 9110 section 12.5.3).
///
/// Immutable.
///
/// A member that is malformed counts as absent; a second mention of a coding does not undo the first.
struct HTTPAcceptEncoding: Sendable {
    /// Weights in thousandths; nil where the field has no such member.
    private var gzip: Int?
    private var identity: Int?
    private var any: Int?

    /// Reads the field's value, repeats joined by commas; nil is a request without the field, which wants no coding.
    init(_ value: String?) {
        guard let value else { return }
        for member in value.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = member.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            guard parts.count <= 2 else { continue }
            let coding = parts[0].trimmingHTTPWhitespace()
            guard let weight = parts.count == 1 ? 1_000 : Self.weight(parts[1].trimmingHTTPWhitespace()) else {
                continue
            }
            if Self.equal(coding, "gzip") || Self.equal(coding, "x-gzip") {
                self.gzip = self.gzip ?? weight
            } else if Self.equal(coding, "identity") {
                self.identity = self.identity ?? weight
            } else if Self.equal(coding, "*") {
                self.any = self.any ?? weight
            }
        }
    }

    /// True when gzip may be sent and identity is not liked better.
    ///
    /// Where neither may be sent, identity is: 406 would help nobody.
    var prefersGzip: Bool {
        guard let gzip = self.gzip ?? self.any, gzip > 0 else { return false }
        return gzip >= (self.identity ?? 0)
    }

    /// `q=` and 0 to 1 with at most three decimals, in thousandths (RFC 9110 section 12.4.2).
    private static func weight(_ text: Substring.UTF8View) -> Int? {
        let bytes = Array(text)
        guard (3...7).contains(bytes.count), asciiLowercased(bytes[0]) == UInt8(ascii: "q") else { return nil }
        guard bytes[1] == UInt8(ascii: "="), bytes[2] == UInt8(ascii: "0") || bytes[2] == UInt8(ascii: "1") else {
            return nil
        }
        guard bytes.count == 3 || bytes[3] == UInt8(ascii: ".") else { return nil }
        var weight = Int(bytes[2] - UInt8(ascii: "0")) * 1_000
        var unit = 100
        for byte in bytes.dropFirst(4) {
            guard HTTPByteClass.isDigit(byte) else { return nil }
            weight += Int(byte - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return weight <= 1_000 ? weight : nil
    }

    private static func equal(_ coding: Substring.UTF8View, _ name: StaticString) -> Bool {
        name.withUTF8Buffer { asciiEqualsIgnoringCase(coding, $0) }
    }
}
