extension String {
    /// Without the scalars of Unicode's White_Space at both ends.
    func trimmedOfWhiteSpace() -> String {
        let scalars = self.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Whether a reader sees anything: zero-width characters, controls and fillers (U+3164) alone are an empty text.
    var showsSomething: Bool { self.unicodeScalars.contains { $0.isVisible } }
}

extension Unicode.Scalar {
    /// False for white space, for what a font has nothing to draw for, and for the blank among the Braille patterns.
    var isVisible: Bool {
        let properties = self.properties
        return !properties.isWhitespace && !properties.isDefaultIgnorableCodePoint
            && properties.generalCategory != .control && self.value != 0x2800
    }
}
