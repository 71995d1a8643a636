/// Cuts a script, of SQL or CQL, into statements where psql would.
///
/// Only for scripts that must not run as one: PostgreSQL puts the statements of one message into one transaction.
enum MigrationScript {
    /// The statements without their semicolons; those that hold nothing but comments are left out.
    static func statements(of script: String) -> [String] {
        var scanner = Scanner(bytes: Array(script.utf8))
        var statements: [String] = []
        while let range = scanner.nextStatement() {
            statements.append(String(decoding: scanner.bytes[range], as: UTF8.self))
        }
        return statements
    }

    private struct Scanner {
        let bytes: [UInt8]
        private var position = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The range of the next statement that is more than blanks and comments.
        mutating func nextStatement() -> Range<Int>? {
            var start: Int?
            while self.position < self.bytes.count {
                let before = self.position
                switch self.bytes[self.position] {
                case UInt8(ascii: ";"):
                    self.position += 1
                    if let start { return start..<before }
                    continue
                case UInt8(ascii: " "), 0x09...0x0D:
                    self.position += 1
                    continue
                case UInt8(ascii: "-") where self.has("--"):
                    self.skip(past: "\n")
                    continue
                case UInt8(ascii: "/") where self.has("/*"):
                    self.skipComment()
                    continue
                case UInt8(ascii: "'"):
                    self.skipQuoted(UInt8(ascii: "'"), escapes: self.isEscapeString(before))
                case UInt8(ascii: "\""):
                    self.skipQuoted(UInt8(ascii: "\""), escapes: false)
                case UInt8(ascii: "$"):
                    self.skipDollar(before)
                default:
                    self.position += 1
                }
                start = start ?? before
            }
            return start.map { $0..<self.bytes.count }
        }

        private func has(_ text: StaticString) -> Bool {
            self.bytes[self.position...].starts(with: "\(text)".utf8)
        }

        private mutating func skip(past text: StaticString) {
            while self.position < self.bytes.count, !self.has(text) { self.position += 1 }
            self.position = min(self.position + text.utf8CodeUnitCount, self.bytes.count)
        }

        /// Comments of this kind nest in PostgreSQL.
        private mutating func skipComment() {
            var depth = 0
            while self.position < self.bytes.count {
                if self.has("/*") {
                    depth += 1
                    self.position += 2
                } else if self.has("*/") {
                    depth -= 1
                    self.position += 2
                    if depth == 0 { return }
                } else {
                    self.position += 1
                }
            }
            self.position = self.bytes.count
        }

        /// A doubled quote closes and opens again, which comes to the same.
        private mutating func skipQuoted(_ quote: UInt8, escapes: Bool) {
            self.position += 1
            while self.position < self.bytes.count {
                let byte = self.bytes[self.position]
                self.position += escapes && byte == UInt8(ascii: "\\") ? 2 : 1
                if byte == quote { return }
            }
            self.position = self.bytes.count
        }

        private mutating func skipDollar(_ start: Int) {
            var end = start + 1
            while end < self.bytes.count, Self.isWordByte(self.bytes[end]) { end += 1 }
            let follows = start > 0 && Self.isWordByte(self.bytes[start - 1])
            guard end < self.bytes.count, self.bytes[end] == UInt8(ascii: "$"), !follows else {
                self.position = start + 1
                return
            }
            let tag = self.bytes[start...end]
            self.position = end + 1
            while self.position < self.bytes.count {
                if self.bytes[self.position...].starts(with: tag) {
                    self.position += tag.count
                    return
                }
                self.position += 1
            }
        }

        private func isEscapeString(_ quote: Int) -> Bool {
            guard quote > 0, self.bytes[quote - 1] | 0x20 == UInt8(ascii: "e") else { return false }
            return quote == 1 || !Self.isWordByte(self.bytes[quote - 2])
        }

        private static func isWordByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
                true
            default: false
            }
        }
    }
}
