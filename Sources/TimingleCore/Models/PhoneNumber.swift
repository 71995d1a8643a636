/// A phone number in E.164: a plus, a country code that does not begin with 0, at most 15 digits.
///
/// Immutable.
package struct PhoneNumber: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package var description: String { self.text }

    /// Reads what people type: spaces, hyphens, dots and parentheses fall away; 0 in front means `countryCode`.
    ///
    /// Nil for anything else, `oauth_…` (the mark of accounts without a phone) included.
    package init?(_ input: String, countryCode: String = "82") {
        // No number that a person types is longer, with all its spaces.
        guard input.utf8.count <= 40 else { return nil }
        var digits: [UInt8] = []
        var isInternational = false
        for byte in input.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte)
            case UInt8(ascii: "+"):
                guard digits.isEmpty, !isInternational else { return nil }
                isInternational = true
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "."): continue
            default: return nil
            }
        }
        let zero = UInt8(ascii: "0")
        if !isInternational {
            guard digits.first == zero else { return nil }
            if digits.starts(with: [zero, zero]) {
                digits.removeFirst(2)
            } else {
                digits = Array(countryCode.utf8) + digits.dropFirst()
            }
        } else if digits.starts(with: Array(countryCode.utf8) + [zero]) {
            // +82 010-… is how many write it: the trunk prefix does not belong there.
            digits.remove(at: countryCode.utf8.count)
        }
        guard (8...15).contains(digits.count), digits.first != zero else { return nil }
        self.text = "+" + String(decoding: digits, as: UTF8.self)
    }
}
