import TimingleTestSupport

/// What a client sends, and what it must get, by a section of a specification.
struct HTTPConformanceCase: Sendable, CustomStringConvertible {
    /// What becomes of the connection behind the last answer.
    enum End: Sendable { case keep, close }

    /// A name that is good for a file: `9112-2.2-empty-line`.
    let name: String
    let bytes: TextArgument
    /// One entry an answer: its status, then, for those that are checked further, its content.
    ///
    /// `HEAD 200` has no content behind its Content-Length.
    let answers: [String]
    let end: End
    /// Whether the request is also cut at every byte; left out where it is long.
    let isCut: Bool

    init(_ name: String, _ bytes: String, _ answers: [String], _ end: End, isCut: Bool = true) {
        self.name = name
        self.bytes = TextArgument(bytes)
        self.answers = answers
        self.end = end
        self.isCut = isCut
    }

    /// A request that is refused, with one behind it that must not be run.
    static func refused(
        _ name: String,
        _ status: Int,
        _ bytes: String,
        isCut: Bool = true
    ) -> HTTPConformanceCase {
        HTTPConformanceCase(
            name,
            bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            ["\(status)"],
            .close,
            isCut: isCut
        )
    }

    var description: String { self.name }

    /// The bytes on the wire: scalars up to U+00FF are bytes, so that the tables can hold any.
    var wire: [UInt8] { self.bytes.value.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}

/// One answer as it came.
struct HTTPAnswer: Equatable, Sendable {
    var status: Int
    var fieldLines: [String]
    var content: String

    func values(_ name: String) -> [String] {
        self.fieldLines.compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
            return String(parts[1].drop { $0 == " " })
        }
    }

    /// Reads as many answers as there are, nil where the bytes are no sequence of answers.
    ///
    /// `isHead` tells for which of them, interim ones counted, content is left out.
    static func read(_ bytes: [UInt8], isHead: (Int) -> Bool) -> [HTTPAnswer]? {
        var answers: [HTTPAnswer] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = Self.endOfHead(rest) else { return nil }
            let head = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
            rest = rest[(end + 4)...]
            var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
            let statusLine = lines.removeFirst()
            guard statusLine.hasPrefix("HTTP/1.1 "), let status = Int(statusLine.dropFirst(9).prefix(3)) else {
                return nil
            }
            var answer = HTTPAnswer(status: status, fieldLines: lines, content: "")
            let isBare = status < 200 || status == 204 || status == 304 || isHead(answers.count)
            if !isBare {
                guard let length = answer.values("Content-Length").first.flatMap({ Int($0) }), length <= rest.count
                else {
                    return nil
                }
                answer.content = String(decoding: rest.prefix(length), as: UTF8.self)
                rest = rest.dropFirst(length)
            }
            answers.append(answer)
        }
        return answers
    }

    private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (bytes.startIndex...(bytes.endIndex - 4)).first { Array(bytes[$0..<$0 + 4]) == [13, 10, 13, 10] }
    }
}
