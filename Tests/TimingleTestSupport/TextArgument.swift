/// A text that a test takes as an argument and that its log shows escaped and by its beginning only.
///
/// A run prints every argument: thousands of characters would bury what failed, and a NUL ends the line.
package struct TextArgument: Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
    package let value: String

    package init(_ value: String) {
        self.value = value
    }

    package init(stringLiteral value: String) {
        self.init(value)
    }

    package static func repeating(_ text: String, count: Int) -> TextArgument {
        TextArgument(String(repeating: text, count: count))
    }

    package var description: String {
        let length = self.value.unicodeScalars.count
        guard length > 80 else { return self.value.debugDescription }
        let beginning = String(String.UnicodeScalarView(self.value.unicodeScalars.prefix(24)))
        return "\(beginning.debugDescription)… of \(length) scalars"
    }
}
