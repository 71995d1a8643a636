/// Reads the fields on which framing and persistence hang, strictly (RFC 9112 sections 3.2, 6 and 9).
///
/// No state.
enum HTTPFieldInterpreter {
    struct Meaning {
        var framing: HTTPRequestHead.Framing = .none
        var keepAlive: Bool
        var expectsContinue = false
        /// The request says where its content ends, be it empty.
        var statesLength = false

        /// Refuses what announces content and does not say where it ends (RFC 9110 section 15.5.12).
        ///
        /// In HTTP/1.1 a request without a length has no content, and many clients send POST so. One of HTTP/1.0
        /// must state it (RFC 1945 section 8.3), and who waits for 100 has content by its own word.
        func checkLength(method: HTTPMethod, minorVersion: Int) throws(HTTPParseError) {
            guard !self.statesLength, minorVersion == 0 || self.expectsContinue else { return }
            if method == .post || method == .put || method == .patch { throw .lengthRequired }
        }
    }

    private struct Seen {
        var hosts = 0
        var contentLength: Int?
        var chunked = false
        var close = false
        var keepAlive = false
    }

    /// Reads the field lines of the head that `bytes` begin with; they are not changed, but not copied either.
    static func interpret(
        _ bytes: Span<UInt8>,
        _ lines: inout HTTPFieldBlock.Lines,
        minorVersion: Int
    ) throws(HTTPParseError) -> Meaning {
        var seen = Seen()
        var meaning = Meaning(keepAlive: minorVersion == 1)
        for index in lines.indices {
            let line = lines[index]
            let name = bytes.extracting(Int(line.nameStart)..<Int(line.nameEnd))
            let value = bytes.extracting(Int(line.valueStart)..<Int(line.valueEnd))
            // The length tells most fields apart without a comparison.
            switch name.count {
            case 4 where name.equals(lowercase: "host"):
                seen.hosts += 1
                guard HTTPTarget.isHost(value) else { throw .badHost }
            case 14 where name.equals(lowercase: "content-length"):
                guard seen.contentLength == nil else { throw .conflictingLength }
                seen.contentLength = try Self.length(value)
            case 17 where name.equals(lowercase: "transfer-encoding"):
                guard !seen.chunked, minorVersion == 1 else { throw .badTransferEncoding }
                try Self.checkTransferEncoding(value.slice)
                seen.chunked = true
            case 10 where name.equals(lowercase: "connection"):
                if value.equals(lowercase: "keep-alive") {
                    seen.keepAlive = true
                } else {
                    try Self.readConnection(value, &seen)
                }
            case 6 where name.equals(lowercase: "expect") && minorVersion == 1:
                try Self.readExpectations(value, &meaning)
            default:
                break
            }
        }
        guard seen.hosts == 1 || (seen.hosts == 0 && minorVersion == 0) else { throw .missingHost }
        meaning.statesLength = seen.chunked || seen.contentLength != nil
        if seen.chunked {
            guard seen.contentLength == nil else { throw .conflictingLength }
            meaning.framing = .chunked
        } else if let length = seen.contentLength, length > 0 {
            meaning.framing = .length(length)
        }
        if seen.close {
            meaning.keepAlive = false
        } else if minorVersion == 0 {
            meaning.keepAlive = seen.keepAlive
        }
        return meaning
    }

    /// Digits only, by hand: `Int(_:)` would take a sign.
    ///
    /// A number that no Int holds is a good one (RFC 9110 section 8.6) and counts as the largest: it is too large.
    private static func length(_ value: Span<UInt8>) throws(HTTPParseError) -> Int {
        guard !value.isEmpty else { throw .badContentLength }
        var result = 0
        for index in value.indices {
            let byte = value[index]
            guard HTTPByteClass.isDigit(byte) else { throw .badContentLength }
            let (tenfold, overflow) = result.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            result = overflow || carry ? .max : sum
        }
        return result
    }

    private static func checkTransferEncoding(_ value: ArraySlice<UInt8>) throws(HTTPParseError) {
        if asciiEqualsIgnoringCase(value, "chunked".utf8) { return }
        let codings = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { $0.trimmingHTTPWhitespace() }
        guard let last = codings.last, codings.count > 1, asciiEqualsIgnoringCase(last, "chunked".utf8) else {
            throw .badTransferEncoding
        }
        let known = ["gzip", "x-gzip", "deflate", "compress", "x-compress"]
        for coding in codings.dropLast() {
            guard known.contains(where: { asciiEqualsIgnoringCase(coding, $0.utf8) }) else {
                throw .badTransferEncoding
            }
        }
        // Well-formed, but a coding that we do not undo (RFC 9112 section 6.1).
        throw .unknownTransferCoding
    }

    private static func readExpectations(_ value: Span<UInt8>, _ meaning: inout Meaning) throws(HTTPParseError) {
        var index = 0
        while let range = value.nextMember(from: &index) {
            guard value.extracting(range).equals(lowercase: "100-continue") else { throw .badExpectation }
            meaning.expectsContinue = true
        }
    }

    private static func readConnection(_ value: Span<UInt8>, _ seen: inout Seen) throws(HTTPParseError) {
        var index = 0
        while let range = value.nextMember(from: &index) {
            guard value.tokenEnd(in: range) == range.upperBound else { throw .badConnectionField }
            let token = value.extracting(range)
            if token.equals(lowercase: "close") {
                seen.close = true
            } else if token.equals(lowercase: "keep-alive") {
                seen.keepAlive = true
            }
        }
    }
}

extension Span where Element == UInt8 {
    /// A copy, for what is rare enough.
    fileprivate var slice: ArraySlice<UInt8> { self.withUnsafeBufferPointer { ArraySlice($0) } }
}
