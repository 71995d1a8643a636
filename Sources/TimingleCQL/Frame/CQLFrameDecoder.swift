package import TimingleNet

/// Cuts a stream into frames, however it comes in pieces.
///
/// Loop-confined. A frame that comes whole is handed on where it lies; of others the bytes are kept until the rest is
/// there. A length is checked before anything is kept, and what is reserved for a body grows with what has come.
package struct CQLFrameDecoder: ~Copyable {
    /// What is reserved for a body on its header's word.
    private static let reservedMax = 256 * 1024

    private let direction: CQLDirection
    private let bodyBytesMax: Int
    /// Of the frame whose body is on its way.
    private var header: CQLHeader?
    /// The beginning of a header, or of that body.
    private var partial: [UInt8] = []

    package init(direction: CQLDirection = .response, bodyBytesMax: Int) {
        self.direction = direction
        self.bodyBytesMax = bodyBytesMax
    }

    /// Bytes that belong to no whole frame yet.
    package var pendingBytes: Int { self.header == nil ? self.partial.count : CQLHeader.byteCount + self.partial.count }

    /// Takes all of `bytes` and calls `frame` for each frame that they complete, until it answers false.
    ///
    /// The body is valid during the call only. After an error the stream cannot be understood any more.
    package mutating func decode(
        _ bytes: RawSpan,
        _ frame: (CQLHeader, RawSpan) -> Bool
    ) throws(WireError) {
        var offset = 0
        while offset < bytes.byteCount {
            guard let header = try self.nextHeader(bytes, &offset) else { return }
            let missing = header.bodyLength - self.partial.count
            let end = offset + min(missing, bytes.byteCount - offset)
            let piece = bytes.extracting(offset..<end)
            offset = end
            if self.partial.isEmpty, piece.byteCount == header.bodyLength {
                self.header = nil
                guard frame(header, piece) else { return }
                continue
            }
            if self.partial.isEmpty { self.partial.reserveCapacity(min(header.bodyLength, Self.reservedMax)) }
            self.partial.append(piece)
            guard self.partial.count == header.bodyLength else {
                self.header = header
                return
            }
            var body: [UInt8] = []
            swap(&body, &self.partial)
            self.header = nil
            guard frame(header, body.span.bytes) else { return }
        }
    }

    /// The header of the frame at `offset`, or of the one whose body is on its way; nil where more must come first.
    private mutating func nextHeader(_ bytes: RawSpan, _ offset: inout Int) throws(WireError) -> CQLHeader? {
        if let header = self.header { return header }
        let missing = CQLHeader.byteCount - self.partial.count
        guard bytes.byteCount - offset >= missing else {
            self.partial.append(bytes.extracting(offset..<bytes.byteCount))
            return nil
        }
        let piece = bytes.extracting(offset..<(offset + missing))
        offset += missing
        guard !self.partial.isEmpty else {
            var reader = ByteReader(piece)
            return try self.remember(
                CQLHeader(from: &reader, direction: self.direction, bodyBytesMax: self.bodyBytesMax)
            )
        }
        self.partial.append(piece)
        var whole: [UInt8] = []
        swap(&whole, &self.partial)
        var reader = ByteReader(whole.span.bytes)
        return try self.remember(CQLHeader(from: &reader, direction: self.direction, bodyBytesMax: self.bodyBytesMax))
    }

    /// The bytes may end behind the header.
    private mutating func remember(_ header: CQLHeader) -> CQLHeader {
        self.header = header
        return header
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { self.append(contentsOf: $0) }
    }
}
