/// Parses one request head, resuming where the bytes ended; no byte is looked at twice.
///
/// A value.
///
/// It is handed all bytes since the head's first one each time, and copies them once, when the head is complete, into
/// a request, whose memory one before may have left.
struct HTTPRequestParser {
    enum Outcome {
        case needMoreBytes
        /// The request has its method, target and fields; the head took so many bytes.
        case head(HTTPRequestHead, bytes: Int)
    }

    /// How many of the bytes that it was handed it has looked at.
    private(set) var scanned = 0
    private var lineStart = 0
    private var requestLineStart = 0
    /// 0 until the request line is complete.
    private var sectionStart = 0
    private var method = 0..<0
    private var target = 0..<0
    private var minorVersion = 1
    /// True for HEAD, once its line has begun so: a refusal too then has no content.
    private(set) var isHead = false
    /// True where the bytes ended inside a head: empty lines before its request line are not in it.
    private(set) var hasBegun = false

    /// Reads on; `request` is empty when a head begins, and the same until that head is complete.
    mutating func parse(
        _ bytes: Span<UInt8>,
        into request: inout HTTPRequest,
        limits: HTTPHeadLimits
    ) throws(HTTPParseError) -> Outcome {
        while let end = try self.nextLine(bytes, limits) {
            let line = self.lineStart..<end
            self.lineStart = end + 2
            if self.sectionStart == 0 {
                if line.isEmpty {
                    // RFC 9112 section 2.2: an empty line before the request line is ignored; we ignore two.
                    self.requestLineStart = self.lineStart
                    guard self.lineStart <= 4 else { throw .badRequestLine }
                    continue
                }
                try self.requestLine(bytes, line)
                self.sectionStart = self.lineStart
            } else if line.isEmpty {
                return try self.complete(bytes, &request, limits)
            } else {
                try self.fieldLine(bytes, line, &request.block.lines, limits)
            }
        }
        return .needMoreBytes
    }

    /// Finds the end of the current line: the index of its CR.
    private mutating func nextLine(_ bytes: Span<UInt8>, _ limits: HTTPHeadLimits) throws(HTTPParseError) -> Int? {
        let count = bytes.count
        let index = bytes.lineFeed(from: self.scanned)
        self.scanned = index
        // The bytes of the line or section so far; a CR at its end may belong to the line's end.
        let inSection = self.sectionStart != 0
        let limit = inSection ? limits.fieldSectionBytes : limits.requestLineBytes
        let used = index - (inSection ? self.sectionStart : self.requestLineStart)
        // The last line's end, for the section the empty line, is outside of the limit.
        if used > limit + 1 {
            guard inSection else {
                self.lookForHead(bytes)
                throw self.methodIsTooLong(bytes, limit) ? .methodTooLong : .requestLineTooLong
            }
            throw .fieldSectionTooLarge
        }
        guard index < count else {
            self.bytesEnded(bytes)
            return nil
        }
        guard index > self.lineStart, bytes[index - 1] == UInt8(ascii: "\r") else {
            self.lookForHead(bytes)
            throw .bareLineFeed
        }
        self.scanned = index + 1
        let end = index - 1
        if inSection, end > self.lineStart, index + 1 - self.sectionStart > limit { throw .fieldSectionTooLarge }
        return end
    }

    /// Sees whether what is there belongs to a request yet: a CR alone may become one more empty line.
    private mutating func bytesEnded(_ bytes: Span<UInt8>) {
        let start = self.requestLineStart
        let isEmptyLine = bytes.count == start + 1 && bytes[start] == UInt8(ascii: "\r")
        self.hasBegun = bytes.count > start && !isEmptyLine
        self.lookForHead(bytes)
    }

    /// Sees in a request line that is not read as a whole, or not yet, whether its answer may have content.
    private mutating func lookForHead(_ bytes: Span<UInt8>) {
        let start = self.requestLineStart
        guard self.sectionStart == 0, bytes.count >= start + 5 else { return }
        self.isHead = bytes.extracting(start..<(start + 5)).equals("HEAD ")
    }

    /// True when nothing but a method fills a request line that is too long (RFC 9112 section 3.1).
    private func methodIsTooLong(_ bytes: Span<UInt8>, _ limit: Int) -> Bool {
        let start = self.requestLineStart
        for index in start..<(start + limit) where !HTTPByteClass.isToken(bytes[index]) { return false }
        return true
    }

    private mutating func requestLine(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPParseError) {
        var index = bytes.tokenEnd(in: line)
        guard index < line.upperBound else { throw .badRequestLine }
        guard bytes[index] == UInt8(ascii: " "), index > line.lowerBound else {
            throw bytes[index] == UInt8(ascii: "\r") ? .bareCarriageReturn : .badMethod
        }
        self.method = line.lowerBound..<index
        self.isHead = bytes.extracting(self.method).equals("HEAD")
        let start = index + 1
        index = bytes.targetEnd(in: start..<line.upperBound)
        guard index < line.upperBound, index > start || bytes[index] != UInt8(ascii: " ") else {
            throw .badRequestLine
        }
        guard bytes[index] == UInt8(ascii: " ") else {
            throw bytes[index] == UInt8(ascii: "\r") ? .bareCarriageReturn : .badTarget
        }
        self.target = start..<index
        try self.version(bytes, index + 1..<line.upperBound)
    }

    private mutating func version(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPParseError) {
        // Exactly eight bytes: `HTTP/1.10` is no version.
        guard range.count == 8 else { throw .badVersion }
        if bytes.extracting(range).equals("HTTP/1.1") {
            self.minorVersion = 1
            return
        }
        let start = range.lowerBound
        guard bytes.extracting(start..<(start + 5)).equals("HTTP/") else { throw .badVersion }
        let major = bytes[start + 5]
        let minor = bytes[start + 7]
        guard HTTPByteClass.isDigit(major), bytes[start + 6] == UInt8(ascii: "."), HTTPByteClass.isDigit(minor) else {
            throw .badVersion
        }
        guard major == UInt8(ascii: "1") else {
            let isPreface = bytes.extracting(self.method).equals("PRI") && major == UInt8(ascii: "2")
            throw isPreface ? .http2Preface : .unsupportedVersion
        }
        self.minorVersion = minor == UInt8(ascii: "0") ? 0 : 1
    }

    private mutating func fieldLine(
        _ bytes: Span<UInt8>,
        _ line: Range<Int>,
        _ lines: inout HTTPFieldBlock.Lines,
        _ limits: HTTPHeadLimits
    ) throws(HTTPParseError) {
        guard lines.count < limits.fieldCount else { throw .tooManyFields }
        let first = bytes[line.lowerBound]
        guard first != UInt8(ascii: " "), first != UInt8(ascii: "\t") else { throw .lineFolding }
        let nameEnd = bytes.tokenEnd(in: line)
        guard nameEnd < line.upperBound, nameEnd > line.lowerBound else { throw .badFieldName }
        switch bytes[nameEnd] {
        case UInt8(ascii: ":"): break
        case UInt8(ascii: " "), UInt8(ascii: "\t"): throw .whitespaceBeforeColon
        case UInt8(ascii: "\r"): throw .bareCarriageReturn
        default: throw .badFieldName
        }
        var valueStart = nameEnd + 1
        let badByte = bytes.fieldValueEnd(in: valueStart..<line.upperBound)
        guard badByte == line.upperBound else {
            throw bytes[badByte] == UInt8(ascii: "\r") ? .bareCarriageReturn : .forbiddenByte
        }
        var valueEnd = line.upperBound
        while valueStart < valueEnd, bytes[valueStart] == 0x20 || bytes[valueStart] == 0x09 { valueStart += 1 }
        while valueEnd > valueStart, bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09 { valueEnd -= 1 }
        lines.append(
            HTTPFieldBlock.Line(
                nameStart: UInt32(line.lowerBound),
                nameEnd: UInt32(nameEnd),
                valueStart: UInt32(valueStart),
                valueEnd: UInt32(valueEnd)
            )
        )
    }

    private mutating func complete(
        _ bytes: Span<UInt8>,
        _ request: inout HTTPRequest,
        _ limits: HTTPHeadLimits
    ) throws(HTTPParseError) -> Outcome {
        let count = self.lineStart
        let method = bytes.extracting(self.method).method
        let meaning = try HTTPFieldInterpreter.interpret(
            bytes,
            &request.block.lines,
            minorVersion: self.minorVersion
        )
        try meaning.checkLength(method: method, minorVersion: self.minorVersion)
        let instead = try HTTPTarget.normalized(bytes.extracting(self.target), method: method)
        request.block.fill(bytes.extracting(0..<count))
        request.method = method
        request.isHTTP10 = self.minorVersion == 0
        request.setTarget(self.target, instead: instead)
        // RFC 9112 section 3.2.2: the authority of an absolute target takes the place of what Host says.
        if let authority = HTTPTarget.authority(in: bytes, self.target, method: method) {
            request.block.setHost(authority)
            // HTTP/1.0 need not say Host: then the target's is one more field.
            guard request.block.lines.count <= limits.fieldCount else { throw .tooManyFields }
        }
        let head = HTTPRequestHead(
            kind: HTTPRequestHead.Kind(method),
            minorVersion: self.minorVersion,
            framing: meaning.framing,
            keepAlive: meaning.keepAlive,
            expectsContinue: meaning.expectsContinue
        )
        self = HTTPRequestParser()
        return .head(head, bytes: count)
    }
}

extension Span where Element == UInt8 {
    fileprivate var method: HTTPMethod {
        if self.equals("GET") { return .get }
        if self.equals("POST") { return .post }
        return HTTPMethod(rawValue: self.asciiString)
    }
}
