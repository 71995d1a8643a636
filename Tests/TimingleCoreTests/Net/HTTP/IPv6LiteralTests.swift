import Testing
import TimingleTestSupport

@testable import TimingleNet

struct IPv6LiteralTests {
    private static func isValid(_ text: String) -> Bool { IPv6Literal.isValid(ArraySlice(text.utf8)) }

    @Test(arguments: [
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "fe80::a:B:c", "::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4", "::ffff:255.255.255.255", "1::4:5:6:1.2.3.4",
    ])
    func whatRFC3986KnowsIsTaken(text: String) { #expect(Self.isValid(text)) }

    @Test(arguments: [
        "", ":", "1", ":::", "1:", ":1", "1:::2", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2:3:4:5:6:7:8",
        "12345::", "g::", "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4", "1.2.3.4", "1.2.3.4::", "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4", "::1%25lo", "::1 ", "v1.x", "::1.", "::.1",
    ])
    func whatItDoesNotIsRefused(text: String) { #expect(!Self.isValid(text)) }

    /// The kernel's own reading decides; only its zones are more than ours.
    @Test func itAgreesWithTheSystem() {
        var generator = SeededGenerator(seed: 6)
        let pieces = ["1", "ffff", "0", "::", ":", ":", ":", "12345", "1.2.3.4", "g", "a0"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &generator)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            let system: Bool
            if case .ipv6 = SocketAddress(parsing: text, port: 0) { system = true } else { system = false }
            #expect(Self.isValid(text) == system, "\(text)")
        }
    }
}
