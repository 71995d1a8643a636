import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Captures are decoded when somebody asks: the same as if each target had been taken apart at once.
struct RouteParametersTests {
    private static let patterns = [
        "/", "/a", "/a/{x}", "/a/{x}/b", "/{x}/{y}", "/{x}/b/{y}/c", "/f/{rest...}", "/g/{x}/{rest...}",
    ]

    /// Patterns by the order in which they are tried: literals before captures before rests, segment by segment.
    private static func model(_ target: String) -> (pattern: String, values: [String: String])? {
        let path = target.prefix { $0 != "?" }
        guard path.first == "/" else { return nil }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // A trailing slash, and the root, have an empty segment at the end.
        if segments.last == "" { segments.removeLast() }
        let matches = Self.patterns.compactMap {
            pattern -> (rank: String, pattern: String, values: [String: String])? in
            var rank = ""
            var values: [String: String] = [:]
            let parts = pattern.split(separator: "/").map(String.init)
            for (index, part) in parts.enumerated() {
                guard index < segments.count else { return nil }
                if part.hasSuffix("...}") {
                    let start = Self.place(of: index, in: path)
                    values[String(part.dropFirst().dropLast(4))] = String(path[start...])
                    return (rank + "2", pattern, values)
                }
                if part.hasPrefix("{") {
                    guard !segments[index].isEmpty else { return nil }
                    values[String(part.dropFirst().dropLast())] = segments[index]
                    rank += "1"
                } else {
                    guard segments[index] == part || Self.decoded(segments[index]) == part else { return nil }
                    rank += "0"
                }
            }
            return parts.count == segments.count ? (rank, pattern, values) : nil
        }
        guard let best = matches.min(by: { $0.rank < $1.rank }) else { return nil }
        var decoded: [String: String] = [:]
        for (name, value) in best.values {
            guard let text = Self.decoded(value) else { return nil }
            decoded[name] = text
        }
        return (best.pattern, decoded)
    }

    /// Where the segment of that number begins.
    private static func place(of segment: Int, in path: Substring) -> Substring.Index {
        var index = path.index(after: path.startIndex)
        for _ in 0..<segment {
            while path[index] != "/" { index = path.index(after: index) }
            index = path.index(after: index)
        }
        return index
    }

    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                value > 0
            else { return nil }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let trie = RouteTrie(
        patterns.map { pattern in
            RouteTrie.Registration(
                method: .get,
                pattern: pattern,
                handler: .immediate { _, _ in HTTPResponse(.ok, fields: ["Pattern": pattern]) }
            )
        }
    )

    private static func found(_ target: String) throws -> (pattern: String, values: [String: String])? {
        let request = HTTPRequest(method: .get, target: target)
        guard
            case .found(let endpoint) = request.withTarget({ self.trie.look(up: .get, target: $0) }),
            case .immediate(let handler) = self.trie.handler(of: endpoint)
        else { return nil }
        let parameters = self.trie.parameters(of: endpoint, in: request.targetBytes)
        let context = RequestContext(loop: try EventLoop(), requestID: "r", log: .silent)
        let pattern = try handler(request, context).fields["Pattern"] ?? "?"
        var values: [String: String] = [:]
        for name in ["x", "y", "rest"] { values[name] = parameters[name] }
        return (pattern, values)
    }

    @Test(arguments: [
        "/", "/?x", "/a", "/a/", "/a/1", "/a/1/", "/a/1/b", "/a/%31/%62", "/a/a%2Fb", "/a//b", "//a", "/a/%00",
        "/a/%FF",
        "/f/", "/f", "/f/1", "/f/1/2/3/", "/f//", "/f/%41/%42?q=/z", "/g/1/2", "/g/1/", "/%61/7", "/q/b/w/c",
        "/q/b/w/d",
        "/a/%C3%A9?/x", "*", "",
    ])
    func targetsAreTakenApartAsTheModelDoes(target: String) throws {
        let (expected, found) = (Self.model(target), try Self.found(target))
        #expect(found?.pattern == expected?.pattern && found?.values == expected?.values, "\(target)")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func randomTargetsAreTakenApartAsTheModelDoes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "/", "/", "/", "a", "b", "f", "g", "c", "%61", "%62", "%2F", "%2f", "%C3%A9", "%FF", "%00", "?", "x",
        ]
        for _ in 0..<500 {
            let target =
                "/"
                + (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            let (expected, found) = (Self.model(target), try Self.found(target))
            #expect(found?.pattern == expected?.pattern && found?.values == expected?.values, "\(target)")
        }
    }
}
