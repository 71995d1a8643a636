/// Takes one request body off the wire: content-length or chunked (RFC 9112 sections 6 and 7).
///
/// A value.
///
/// Limits count framing too. Extensions and trailers are checked and dropped.
struct HTTPBodyDecoder {
    private enum State: Equatable {
        case length(remaining: Int)
        case chunkSizeStart
        case chunkSize(Int, digits: Int)
        case chunkExtensions(Int, HTTPChunkExtensions)
        case chunkSizeEnd(Int)
        case chunkData(remaining: Int)
        case chunkDataCR
        case chunkDataLF
        case trailerStart
        case trailerName
        case trailerValue
        case trailerLF
        case lastLF
        case done
    }

    private var state: State
    private var framingBytes = 0
    private var trailerBytes = 0
    /// All bytes of the body so far, framing included.
    private(set) var receivedBytes = 0

    /// Begins a body; a stated length beyond the limit is refused before a byte of it is read.
    init(_ framing: HTTPRequestHead.Framing, limits: HTTPLimits) throws(HTTPParseError) {
        switch framing {
        case .none: self.state = .done
        case .length(let length):
            guard length <= limits.bodyBytes else { throw .bodyTooLarge }
            self.state = length == 0 ? .done : .length(remaining: length)
        case .chunked: self.state = .chunkSizeStart
        }
    }

    var isDone: Bool { self.state == .done }

    /// Moves content into `body` and returns how many bytes were consumed; looks no further than the body's end.
    mutating func decode(
        _ bytes: Span<UInt8>,
        into body: inout [UInt8],
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Int {
        var index = 0
        defer { self.receivedBytes += index }
        while index < bytes.count {
            switch self.state {
            case .done:
                return index
            case .length(let remaining):
                let count = min(remaining, bytes.count - index)
                Self.append(bytes, index..<(index + count), to: &body, expecting: remaining)
                index += count
                self.state = count == remaining ? .done : .length(remaining: remaining - count)
            case .chunkData(let remaining):
                let count = min(remaining, bytes.count - index)
                Self.append(bytes, index..<(index + count), to: &body, expecting: remaining)
                index += count
                self.state = count == remaining ? .chunkDataCR : .chunkData(remaining: remaining - count)
            default:
                self.framingBytes += 1
                guard self.framingBytes <= limits.chunkFramingBytes else { throw .bodyTooLarge }
                self.state = try self.next(bytes[index], bodyBytes: body.count, limits)
                index += 1
            }
        }
        return index
    }

    /// One byte of framing.
    private mutating func next(
        _ byte: UInt8,
        bodyBytes: Int,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> State {
        switch self.state {
        case .chunkSizeStart:
            guard let digit = hexDigitValue(byte) else { throw .badChunk }
            return .chunkSize(Int(digit), digits: 1)
        case .chunkSize(let size, let digits):
            return try Self.sizeByte(byte, size, digits, bodyBytes: bodyBytes, limits)
        case .chunkExtensions(let size, var extensions):
            if byte == UInt8(ascii: "\r"), extensions.isComplete { return .chunkSizeEnd(size) }
            guard extensions.count < limits.chunkExtensionBytes, extensions.take(byte) else { throw .badChunk }
            return .chunkExtensions(size, extensions)
        case .chunkSizeEnd(let size):
            guard byte == UInt8(ascii: "\n") else { throw .badChunk }
            return size == 0 ? .trailerStart : .chunkData(remaining: size)
        case .chunkDataCR:
            guard byte == UInt8(ascii: "\r") else { throw .badChunk }
            return .chunkDataLF
        case .chunkDataLF:
            guard byte == UInt8(ascii: "\n") else { throw .badChunk }
            return .chunkSizeStart
        case .trailerStart, .trailerName, .trailerValue, .trailerLF, .lastLF:
            return try self.trailerByte(byte, limits)
        case .length, .chunkData, .done:
            preconditionFailure("content is not framing")
        }
    }

    private static func sizeByte(
        _ byte: UInt8,
        _ size: Int,
        _ digits: Int,
        bodyBytes: Int,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> State {
        if let digit = hexDigitValue(byte) {
            // Leading zeros do not grow the number, so digits are counted too: 16 is what 64 bits need.
            guard digits < 16, size <= Int.max >> 4 else { throw .badChunk }
            let longer = size << 4 | Int(digit)
            guard longer <= limits.bodyBytes - bodyBytes else { throw .bodyTooLarge }
            return .chunkSize(longer, digits: digits + 1)
        }
        guard size <= limits.bodyBytes - bodyBytes else { throw .bodyTooLarge }
        if byte == UInt8(ascii: "\r") { return .chunkSizeEnd(size) }
        guard let extensions = HTTPChunkExtensions(first: byte) else { throw .badChunk }
        return .chunkExtensions(size, extensions)
    }

    private mutating func trailerByte(_ byte: UInt8, _ limits: HTTPLimits) throws(HTTPParseError) -> State {
        self.trailerBytes += 1
        guard self.trailerBytes <= limits.trailerBytes + 2 else { throw .trailerTooLarge }
        switch self.state {
        case .trailerStart:
            if byte == UInt8(ascii: "\r") { return .lastLF }
            guard HTTPByteClass.isToken(byte) else { throw .badTrailer }
            return .trailerName
        case .trailerName:
            if byte == UInt8(ascii: ":") { return .trailerValue }
            guard HTTPByteClass.isToken(byte) else { throw .badTrailer }
            return .trailerName
        case .trailerValue:
            if byte == UInt8(ascii: "\r") { return .trailerLF }
            guard HTTPByteClass.isFieldValue(byte) else { throw .badTrailer }
            return .trailerValue
        case .trailerLF:
            guard byte == UInt8(ascii: "\n") else { throw .badTrailer }
            return .trailerStart
        default:
            guard byte == UInt8(ascii: "\n") else { throw .badTrailer }
            return .done
        }
    }

    private static func append(
        _ bytes: Span<UInt8>,
        _ range: Range<Int>,
        to body: inout [UInt8],
        expecting remaining: Int
    ) {
        // Reserved as far as bytes have come, not as far as the peer says that they will.
        if body.isEmpty { body.reserveCapacity(min(remaining, max(range.count, 4 * 1024))) }
        bytes.extracting(range).withUnsafeBufferPointer { body.append(contentsOf: $0) }
    }
}
