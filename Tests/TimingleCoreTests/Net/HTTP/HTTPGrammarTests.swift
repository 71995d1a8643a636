import Testing

@testable import TimingleNet

/// Every byte at every place of a head, read by the parser and by a model that knows RFC 9112 and no tricks.
struct HTTPGrammarTests {
    /// What is compared of a head.
    private struct Reading: Equatable {
        var method: String
        var target: String
        var minorVersion: Int
        var fields: [[[UInt8]]]
    }

    /// Heads with a place for a byte, and the field that they are about.
    private static let places: [(before: String, after: String)] = [
        // Method: first, in the middle, last, alone.
        ("", "ET /a HTTP/1.1\r\nHost: a\r\n\r\n"), ("G", "T /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GE", " /a HTTP/1.1\r\nHost: a\r\n\r\n"), ("", " /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        // Target: first, in the path, at its end, behind a percent sign, in the query, alone.
        ("GET ", "a/b HTTP/1.1\r\nHost: a\r\n\r\n"), ("GET /a", "b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET /a", " HTTP/1.1\r\nHost: a\r\n\r\n"), ("GET /%", "1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET /%4", " HTTP/1.1\r\nHost: a\r\n\r\n"), ("GET /a?b", "=c HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("OPTIONS ", " HTTP/1.1\r\nHost: a\r\n\r\n"),
        // Each byte of the version, and one too many.
        ("GET /a ", "TTP/1.1\r\nHost: a\r\n\r\n"), ("GET /a H", "TP/1.1\r\nHost: a\r\n\r\n"),
        ("GET /a HT", "P/1.1\r\nHost: a\r\n\r\n"), ("GET /a HTT", "/1.1\r\nHost: a\r\n\r\n"),
        ("GET /a HTTP", "1.1\r\nHost: a\r\n\r\n"), ("GET /a HTTP/", ".1\r\nHost: a\r\n\r\n"),
        ("GET /a HTTP/1", "1\r\nHost: a\r\n\r\n"), ("GET /a HTTP/1.", "\r\nHost: a\r\n\r\n"),
        ("GET /a HTTP/1.1", "\r\nHost: a\r\n\r\n"), ("GET /a HTTP/1.1\r", "Host: a\r\n\r\n"),
        // A field's name: first, in the middle, last, alone.
        ("GET /a HTTP/1.1\r\nHost: a\r\n", "-Name: v\r\n\r\n"), ("GET /a HTTP/1.1\r\nHost: a\r\nX-", "ame: v\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX-Nam", ": v\r\n\r\n"), ("GET /a HTTP/1.1\r\nHost: a\r\n", ": v\r\n\r\n"),
        // The colon, and what stands beside it.
        ("GET /a HTTP/1.1\r\nHost: a\r\nX-Name", " v\r\n\r\n"), ("GET /a HTTP/1.1\r\nHost: a\r\nX-Name:", "v\r\n\r\n"),
        // A value: first, at each place of a word of eight and behind it, last, alone.
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: ", "1234567890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 1", "34567890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 12", "4567890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 123", "567890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 1234", "67890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 12345", "7890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 123456", "890abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 1234567", "90abcdef\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: 1234567890abcde", "\r\n\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\nX: ", "\r\n\r\n"),
        // The ends of lines and of the head.
        ("GET /a HTTP/1.1\r\nHost: a", "\n\r\n"), ("GET /a HTTP/1.1\r\nHost: a\r", "\r\n"),
        ("GET /a HTTP/1.1\r\nHost: a\r\n", "\n"), ("GET /a HTTP/1.1\r\nHost: a\r\n\r", ""),
    ]

    @Test(arguments: places.indices)
    func eachByteMeansWhatTheGrammarSays(index: Int) {
        let place = Self.places[index]
        for byte in 0...255 as ClosedRange<UInt8> {
            let head = Array(place.before.utf8) + [byte] + Array(place.after.utf8)
            let expected = Self.model(head)
            #expect(Self.read(head, cuts: []) == expected, "byte \(byte) between \(place)")
            // The same when the bytes come one by one around it.
            let cut = place.before.utf8.count
            let inPieces = Self.read(head, cuts: [cut, cut + 1, min(cut + 2, head.count)])
            #expect(inPieces == expected, "byte \(byte) between \(place), in pieces")
        }
    }

    /// Nil for what is refused, and for what is no whole head.
    private static func read(_ head: [UInt8], cuts: [Int]) -> Reading? {
        var parser = HTTPRequestParser()
        var request = HTTPRequest()
        do throws(HTTPParseError) {
            for cut in cuts + [head.count] {
                let begun = Array(head[..<cut])
                guard
                    case .head(let head, _) = try parser.parse(
                        begun.span,
                        into: &request,
                        limits: HTTPHeadLimits(HTTPLimits())
                    )
                else { continue }
                let bytes = request.block.bytes
                return Reading(
                    method: request.method.rawValue,
                    target: request.target,
                    minorVersion: head.minorVersion,
                    fields: request.block.lines.map { line in
                        [
                            Array(bytes[Int(line.nameStart)..<Int(line.nameEnd)]),
                            Array(bytes[Int(line.valueStart)..<Int(line.valueEnd)]),
                        ]
                    }
                )
            }
        } catch {
            return nil
        }
        return nil
    }

    // MARK: The model

    private static let token = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let target = Set(0x21...0x7e as ClosedRange<UInt8>).subtracting("\"#<>\\".utf8)
    private static let hex = Set("0123456789abcdefABCDEF".utf8)

    private static func model(_ head: [UInt8]) -> Reading? {
        guard let lines = Self.lines(head), let first = lines.first else { return nil }
        let parts = first.split(separator: 0x20, maxSplits: .max, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(Self.token.contains) else { return nil }
        let method = String(decoding: parts[0], as: UTF8.self)
        guard let target = Self.target(Array(parts[1]), method), let minor = Self.minorVersion(parts[2]) else {
            return nil
        }
        var fields: [[[UInt8]]] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else { return nil }
            let name = line[..<colon]
            let value = line[(colon + 1)...]
            guard name.allSatisfy(Self.token.contains) else { return nil }
            guard value.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else { return nil }
            let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
            let trimmed = Array(value.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
            fields.append([Array(name), trimmed])
        }
        let hosts = fields.filter { String(decoding: $0[0], as: UTF8.self).lowercased() == "host" }
        guard hosts.count == 1, hosts[0][1] == [0x61] else { return nil }
        return Reading(method: method, target: target, minorVersion: minor, fields: fields)
    }

    /// The lines before the empty one, which must be the last; nil for a CR or LF that is not one of a pair.
    private static func lines(_ head: [UInt8]) -> [[UInt8]]? {
        var lines: [[UInt8]] = [[]]
        var index = 0
        while index < head.count {
            switch head[index] {
            case 0x0d:
                guard index + 1 < head.count, head[index + 1] == 0x0a else { return nil }
                // An empty line in front is forgiven; the one behind the fields ends the head.
                if lines.last == [], lines.count > 1 { return index + 2 == head.count ? lines.dropLast() : nil }
                if lines.last != [] { lines.append([]) }
                index += 2
            case 0x0a: return nil
            default:
                lines[lines.count - 1].append(head[index])
                index += 1
            }
        }
        return nil
    }

    private static func target(_ bytes: [UInt8], _ method: String) -> String? {
        guard !bytes.isEmpty, bytes.allSatisfy(Self.target.contains) else { return nil }
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, Self.hex.contains(bytes[index + 1]), Self.hex.contains(bytes[index + 2])
            else { return nil }
        }
        guard bytes[0] == UInt8(ascii: "/") || (method == "OPTIONS" && bytes == [UInt8(ascii: "*")]) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All of HTTP/1 is understood as the highest version that we speak.
    private static func minorVersion(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count == 8, let minor = bytes.last, bytes.dropLast().elementsEqual("HTTP/1.".utf8) else {
            return nil
        }
        guard (0x30...0x39).contains(minor) else { return nil }
        return minor == 0x30 ? 0 : 1
    }
}
