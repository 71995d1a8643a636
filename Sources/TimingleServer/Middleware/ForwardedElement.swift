/// One hop of the Forwarded field (RFC 7239, section 4): what a proxy wrote down about who came to it.
///
/// A value.
struct ForwardedElement: Equatable, Sendable {
    /// The node as written: `192.0.2.1:80`, `[2001:db8::1]`, `unknown`, `_hidden`.
    var node: String?
    var proto: String?

    /// The elements of all field lines in order; nil for a field that breaks the grammar anywhere, since then nobody
    /// knows where its hops begin and end.
    static func parse(_ lines: [String]) -> [ForwardedElement]? {
        var elements: [ForwardedElement] = []
        for line in lines {
            var parser = Parser(rest: Array(line.utf8)[...])
            guard parser.parse(into: &elements) else { return nil }
        }
        return elements
    }

    private struct Parser {
        var rest: ArraySlice<UInt8>

        mutating func parse(into elements: inout [ForwardedElement]) -> Bool {
            while true {
                self.skipWhitespace()
                // An empty list member is no element (RFC 9110, section 5.6.1).
                if self.skip(",") { continue }
                if self.rest.isEmpty { return true }
                var element = ForwardedElement()
                guard self.parseElement(&element) else { return false }
                elements.append(element)
                self.skipWhitespace()
                guard self.rest.isEmpty || self.skip(",") else { return false }
            }
        }

        /// `forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )`; no parameter may come twice.
        private mutating func parseElement(_ element: inout ForwardedElement) -> Bool {
            var names: Set<String> = []
            while true {
                self.skipWhitespace()
                if self.skip(";") { continue }
                if self.rest.isEmpty || self.rest.first == UInt8(ascii: ",") { return true }
                guard let name = self.token()?.lowercased(), self.skip("="), let value = self.value() else {
                    return false
                }
                guard names.insert(name).inserted else { return false }
                if name == "for" { element.node = value }
                if name == "proto" { element.proto = value.lowercased() }
                self.skipWhitespace()
                guard self.rest.isEmpty || self.rest.first == UInt8(ascii: ",") || self.skip(";") else { return false }
            }
        }

        private mutating func value() -> String? {
            guard self.skip("\"") else { return self.token() }
            var text: [UInt8] = []
            while let byte = self.rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""):
                    return String(validating: text, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let escaped = self.rest.popFirst() else { return nil }
                    text.append(escaped)
                default:
                    text.append(byte)
                }
            }
            return nil
        }

        private mutating func token() -> String? {
            let count = self.rest.prefix(while: Self.isTokenByte).count
            guard count > 0 else { return nil }
            let token = String(decoding: self.rest.prefix(count), as: UTF8.self)
            self.rest.removeFirst(count)
            return token
        }

        private mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard self.rest.first == UInt8(ascii: character) else { return false }
            self.rest.removeFirst()
            return true
        }

        private mutating func skipWhitespace() {
            while self.rest.first == UInt8(ascii: " ") || self.rest.first == UInt8(ascii: "\t") {
                self.rest.removeFirst()
            }
        }

        private static func isTokenByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default:
                "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}
