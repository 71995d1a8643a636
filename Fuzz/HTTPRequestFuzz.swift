#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// A request's head: the same in one piece as in many, within its limits, free of what smuggles, stable when written anew.
enum HTTPRequestFuzz {
    /// What is compared of a head.
    private struct Reading: Equatable {
        var method: String
        var target: String
        var minorVersion: Int
        var fields: [[String]]
        var framing: HTTPRequestHead.Framing
        var keepAlive: Bool
        var expectsContinue: Bool

        init(_ request: HTTPRequest, _ head: HTTPRequestHead) {
            self.method = request.method.rawValue
            self.target = request.target
            self.minorVersion = head.minorVersion
            var fields: [[String]] = []
            request.fields.forEach { fields.append([$0, $1]) }
            self.fields = fields
            self.framing = head.framing
            self.keepAlive = head.keepAlive
            self.expectsContinue = head.expectsContinue
        }

        /// The request as somebody would write it who means the same.
        var text: String {
            let lines = self.fields.map { "\($0[0]): \($0[1])\r\n" }.joined()
            return "\(self.method) \(self.target) HTTP/1.\(self.minorVersion)\r\n\(lines)\r\n"
        }
    }

    private enum Outcome: Equatable {
        case incomplete
        case head(Reading, bytes: Int)
        case refused(HTTPParseError)
    }

    static func check(_ input: FuzzInput) throws {
        var limits = HTTPLimits()
        if input.choice & 1 == 1 {
            limits.requestLineBytes = 64
            limits.fieldSectionBytes = 256
            limits.fieldCount = 6
        }
        let whole = Self.parse(input.bytes, cuts: [input.bytes.count], limits)
        let inPieces = Self.parse(input.bytes, cuts: input.cuts, limits)
        try FuzzFinding.unless(whole == inPieces, "pieces mean the same: \(whole), \(inPieces)")
        let longest = limits.requestLineBytes + limits.fieldSectionBytes + 16
        switch whole {
        case .incomplete:
            try FuzzFinding.unless(input.bytes.count <= longest, "a head beyond its limits is refused")
        case .head(let reading, let count):
            try FuzzFinding.unless(count <= min(longest, input.bytes.count), "a head is within its limits")
            try FuzzFinding.unless(reading.fields.count <= limits.fieldCount, "fields are counted")
            try Self.checkLines(input.bytes[..<count])
            try Self.checkFraming(reading)
            try Self.checkRewritten(reading)
        case .refused:
            break
        }
    }

    private static func parse(_ bytes: [UInt8], cuts: [Int], _ limits: HTTPLimits) -> Outcome {
        var parser = HTTPRequestParser()
        var request = HTTPRequest()
        for cut in cuts {
            // A copy, so that a step over its end is one that the address sanitizer sees.
            let begun = Array(bytes[..<cut])
            do throws(HTTPParseError) {
                switch try parser.parse(begun.span, into: &request, limits: HTTPHeadLimits(limits)) {
                case .needMoreBytes: continue
                case .head(let head, let count): return .head(Reading(request, head), bytes: count)
                }
            } catch {
                return .refused(error)
            }
        }
        return .incomplete
    }

    /// Bytes at which another reader would end a line or a string elsewhere are not in a head that we accept.
    private static func checkLines(_ head: ArraySlice<UInt8>) throws {
        var before: UInt8 = 0
        for byte in head {
            try FuzzFinding.unless((byte == 0x0A) == (before == 0x0D), "CR and LF come in pairs")
            try FuzzFinding.unless(byte != 0, "no NUL")
            before = byte
        }
        try FuzzFinding.unless(head.suffix(4) == [13, 10, 13, 10], "it ends with an empty line")
    }

    /// One way only to find the body's end.
    private static func checkFraming(_ reading: Reading) throws {
        let named = { (name: String) in reading.fields.filter { $0[0].lowercased() == name }.map { $0[1] } }
        let (lengths, codings) = (named("content-length"), named("transfer-encoding"))
        try FuzzFinding.unless(lengths.count + codings.count <= 1, "length or coding, once")
        switch reading.framing {
        case .chunked:
            try FuzzFinding.unless(codings.map { $0.lowercased() } == ["chunked"], "chunked because it says so")
        case .length(let length):
            let digits = lengths.first.map { $0.drop { $0 == "0" } }
            try FuzzFinding.unless(digits.map(String.init) == String(length), "the length that it says")
        case .none:
            try FuzzFinding.unless(codings.isEmpty, "a coding is no absence of a body")
            try FuzzFinding.unless(lengths.allSatisfy { $0.allSatisfy { $0 == "0" } }, "no body because of length 0")
        }
    }

    private static func checkRewritten(_ reading: Reading) throws {
        let bytes = Array(reading.text.utf8)
        let again = Self.parse(bytes, cuts: [bytes.count], HTTPLimits())
        try FuzzFinding.unless(again == .head(reading, bytes: bytes.count), "\(reading) reads back as \(again)")
    }
}
