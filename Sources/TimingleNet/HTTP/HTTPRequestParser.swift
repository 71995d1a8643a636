/// Parses one request head, resuming where the bytes ended; no byte is looked at twice.
///
/// A value.
///
/// It is handed all bytes since the head's first one each time, and copies them once, when the head is complete.
struct HTTPRequestParser {
    enum Outcome {
        case needMoreBytes
        /// The head and how many bytes it took.
        case head(HTTPRequestHead, bytes: Int)
    }

    private var scanned = 0
    private var lineStart = 0
    private var requestLineStart = 0
    /// 0 until the request line is complete.
    private var sectionStart = 0
    private var method = 0..<0
    private var target = 0..<0
    private var minorVersion = 1
    /// True for HEAD, once that is known: a refusal too then has no content.
    private(set) var isHead = false
    private var lines: [HTTPFieldBlock.Line] = []

    /// True once a byte of a head was seen.
    var hasBegun: Bool { self.scanned > 0 }

    mutating func parse(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPParseError) -> Outcome {
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
                return try self.complete(bytes)
            } else {
                try self.fieldLine(bytes, line, limits)
            }
        }
        return .needMoreBytes
    }

    /// Finds the end of the current line: the index of its CR.
    private mutating func nextLine(_ bytes: Span<UInt8>, _ limits: HTTPLimits) throws(HTTPParseError) -> Int? {
        var index = self.scanned
        let count = bytes.count
        while index < count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        self.scanned = index
        // The bytes of the line or section so far; a CR at its end may belong to the line's end.
        let inSection = self.sectionStart != 0
        let limit = inSection ? limits.fieldSectionBytes : limits.requestLineBytes
        let used = index - (inSection ? self.sectionStart : self.requestLineStart)
        // The last line's end, for the section the empty line, is outside of the limit.
        if used > limit + 1 {
            guard inSection else { throw self.methodIsTooLong(bytes, limit) ? .methodTooLong : .requestLineTooLong }
            throw .fieldSectionTooLarge
        }
        guard index < count else { return nil }
        guard index > self.lineStart, bytes[index - 1] == UInt8(ascii: "\r") else { throw .bareLineFeed }
        self.scanned = index + 1
        let end = index - 1
        if inSection, end > self.lineStart, index + 1 - self.sectionStart > limit { throw .fieldSectionTooLarge }
        return end
    }

    /// True when nothing but a method fills a request line that is too long (RFC 9112 section 3.1).
    private func methodIsTooLong(_ bytes: Span<UInt8>, _ limit: Int) -> Bool {
        let start = self.requestLineStart
        for index in start..<(start + limit) where !HTTPByteClass.isToken(bytes[index]) { return false }
        return true
    }

    private mutating func requestLine(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPParseError) {
        var index = line.lowerBound
        while index < line.upperBound, HTTPByteClass.isToken(bytes[index]) { index += 1 }
        guard index < line.upperBound else { throw .badRequestLine }
        guard bytes[index] == UInt8(ascii: " "), index > line.lowerBound else {
            throw bytes[index] == UInt8(ascii: "\r") ? .bareCarriageReturn : .badMethod
        }
        self.method = line.lowerBound..<index
        self.isHead = bytes.extracting(self.method).equals("HEAD")
        let start = index + 1
        index = start
        while index < line.upperBound, bytes[index] != UInt8(ascii: " ") {
            guard HTTPByteClass.isTarget(bytes[index]) else {
                throw bytes[index] == UInt8(ascii: "\r") ? .bareCarriageReturn : .badTarget
            }
            index += 1
        }
        guard index < line.upperBound, index > start else { throw .badRequestLine }
        self.target = start..<index
        try self.version(bytes, index + 1..<line.upperBound)
    }

    private mutating func version(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPParseError) {
        // Exactly eight bytes: `HTTP/1.10` is no version.
        let name: [UInt8] = [0x48, 0x54, 0x54, 0x50, 0x2f]
        guard range.count == 8 else { throw .badVersion }
        let start = range.lowerBound
        for offset in 0..<5 where bytes[start + offset] != name[offset] { throw .badVersion }
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
        _ limits: HTTPLimits
    ) throws(HTTPParseError) {
        guard self.lines.count < limits.fieldCount else { throw .tooManyFields }
        var index = line.lowerBound
        let first = bytes[index]
        guard first != UInt8(ascii: " "), first != UInt8(ascii: "\t") else { throw .lineFolding }
        while index < line.upperBound, HTTPByteClass.isToken(bytes[index]) { index += 1 }
        let nameEnd = index
        guard index < line.upperBound, nameEnd > line.lowerBound else { throw .badFieldName }
        switch bytes[index] {
        case UInt8(ascii: ":"): break
        case UInt8(ascii: " "), UInt8(ascii: "\t"): throw .whitespaceBeforeColon
        case UInt8(ascii: "\r"): throw .bareCarriageReturn
        default: throw .badFieldName
        }
        var valueStart = index + 1
        for position in valueStart..<line.upperBound where !HTTPByteClass.isFieldValue(bytes[position]) {
            throw bytes[position] == UInt8(ascii: "\r") ? .bareCarriageReturn : .forbiddenByte
        }
        var valueEnd = line.upperBound
        while valueStart < valueEnd, bytes[valueStart] == 0x20 || bytes[valueStart] == 0x09 { valueStart += 1 }
        while valueEnd > valueStart, bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09 { valueEnd -= 1 }
        if self.lines.isEmpty { self.lines.reserveCapacity(16) }
        self.lines.append(
            HTTPFieldBlock.Line(
                nameStart: UInt32(line.lowerBound),
                nameEnd: UInt32(nameEnd),
                valueStart: UInt32(valueStart),
                valueEnd: UInt32(valueEnd)
            )
        )
    }

    private mutating func complete(_ bytes: Span<UInt8>) throws(HTTPParseError) -> Outcome {
        let count = self.lineStart
        let copy = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.extracting(0..<count).withUnsafeBufferPointer { source in
                initialized = buffer.initialize(fromContentsOf: source)
            }
        }
        var block = HTTPFieldBlock(bytes: copy, lines: self.lines)
        let method = bytes.extracting(self.method).method
        let meaning = try HTTPFieldInterpreter.interpret(block, minorVersion: self.minorVersion)
        try meaning.checkLength(method: method, minorVersion: self.minorVersion)
        let target = try HTTPTarget.normalized(bytes.extracting(self.target), method: method)
        // RFC 9112 section 3.2.2: the authority of an absolute target takes the place of what Host says.
        if let authority = HTTPTarget.authority(in: bytes, self.target, method: method) { block.setHost(authority) }
        let head = HTTPRequestHead(
            method: method,
            target: target,
            minorVersion: self.minorVersion,
            fields: block,
            framing: meaning.framing,
            keepAlive: meaning.keepAlive,
            expectsContinue: meaning.expectsContinue
        )
        self = HTTPRequestParser()
        return .head(head, bytes: count)
    }
}

extension Span where Element == UInt8 {
    func equals(_ text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == self.count else { return false }
        return text.withUTF8Buffer { other in
            for index in 0..<self.count where self[index] != other[index] { return false }
            return true
        }
    }

    /// The whole as a string; the caller knows that it is ASCII.
    var asciiString: String {
        self.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    var method: HTTPMethod {
        if self.equals("GET") { return .get }
        if self.equals("POST") { return .post }
        return HTTPMethod(rawValue: self.asciiString)
    }
}
