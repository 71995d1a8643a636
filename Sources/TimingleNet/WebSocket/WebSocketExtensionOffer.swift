/// One extension that a client offers in Sec-WebSocket-Extensions (RFC 6455 section 9.1).
///
/// A value.
package struct WebSocketExtensionOffer: Equatable, Sendable {
    package struct Parameter: Equatable, Sendable {
        package var name: String
        /// Without quotes and escapes; nil where there was no `=`.
        package var value: String?
    }

    package var name: String
    package var parameters: [Parameter]

    /// Reads all lines of the field; nil when one of them is not a list by the grammar, for which RFC 6455 fails the
    /// handshake.
    static func all(_ values: [String]) -> [WebSocketExtensionOffer]? {
        var offers: [WebSocketExtensionOffer] = []
        for value in values {
            var scanner = Scanner(rest: Array(value.utf8)[...])
            guard scanner.appendOffers(to: &offers) else { return nil }
        }
        guard values.isEmpty || !offers.isEmpty else { return nil }
        return offers
    }

    /// Walks over one line of the field; whitespace may stand between any two parts (RFC 2616 section 2.1).
    private struct Scanner {
        var rest: ArraySlice<UInt8>

        /// Empty members are allowed, as in all lists of HTTP.
        mutating func appendOffers(to offers: inout [WebSocketExtensionOffer]) -> Bool {
            repeat {
                self.skipSpace()
                guard !self.rest.isEmpty, self.rest.first != UInt8(ascii: ",") else { continue }
                guard let offer = self.offer() else { return false }
                offers.append(offer)
            } while self.take(UInt8(ascii: ","))
            return self.rest.isEmpty
        }

        private mutating func offer() -> WebSocketExtensionOffer? {
            guard let name = self.token() else { return nil }
            var offer = WebSocketExtensionOffer(name: name, parameters: [])
            while self.take(UInt8(ascii: ";")) {
                self.skipSpace()
                guard let name = self.token() else { return nil }
                var parameter = Parameter(name: name, value: nil)
                if self.take(UInt8(ascii: "=")) {
                    self.skipSpace()
                    guard let value = self.rest.first == UInt8(ascii: "\"") ? self.quoted() : self.token() else {
                        return nil
                    }
                    parameter.value = value
                }
                offer.parameters.append(parameter)
            }
            return offer
        }

        private mutating func token() -> String? {
            let token = self.rest.prefix(while: HTTPByteClass.isToken)
            guard !token.isEmpty else { return nil }
            self.rest = self.rest[token.endIndex...]
            self.skipSpace()
            return String(decoding: token, as: UTF8.self)
        }

        /// What is inside must be a token once the escapes are gone.
        private mutating func quoted() -> String? {
            self.rest = self.rest.dropFirst()
            var token: [UInt8] = []
            while let byte = self.rest.popFirst() {
                if byte == UInt8(ascii: "\"") {
                    guard !token.isEmpty else { return nil }
                    self.skipSpace()
                    return String(decoding: token, as: UTF8.self)
                }
                guard let plain = byte == UInt8(ascii: "\\") ? self.rest.popFirst() : byte else { return nil }
                guard HTTPByteClass.isToken(plain) else { return nil }
                token.append(plain)
            }
            return nil
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard self.rest.first == byte else { return false }
            self.rest = self.rest.dropFirst()
            return true
        }

        private mutating func skipSpace() {
            self.rest = self.rest.drop { $0 == 0x20 || $0 == 0x09 }
        }
    }
}
