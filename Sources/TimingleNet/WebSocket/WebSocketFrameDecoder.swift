/// Reads the frames of a client from bytes that arrive in any pieces; unmasks payloads where they lie.
///
/// A value.
///
/// Payload of a frame that is not there yet is handed on in parts, so that nothing is held back and bad text is found
/// at once; a head is read when it is whole.
struct WebSocketFrameDecoder {
    /// Some payload of one frame; a frame that lies in the buffer as a whole is one part.
    struct Part: Equatable {
        var header: WebSocketFrameHeader
        /// Where the unmasked bytes lie in the buffer.
        var range: Range<Int>
        /// True for the first part of its frame.
        var isFirst: Bool
        /// True for the last part of its frame.
        var isLast: Bool
    }

    /// A data frame that is a whole message, is not compressed and lies in the buffer from first to last byte.
    struct WholeMessage: Equatable {
        var isText: Bool
        /// Where the unmasked bytes lie in the buffer.
        var range: Range<Int>
        /// False where a byte is beyond ASCII, and text has yet to be checked.
        var isASCII: Bool
    }

    /// What has been read of the current frame.
    private enum Progress {
        case head
        /// The head and `taken` bytes of the payload.
        case payload(WebSocketFrameHeader, taken: Int)
    }

    private var progress: Progress = .head
    /// The frames of the current message belong to a compressed one: only the first says so.
    private var messageIsCompressed = false

    /// Reads the next part from `offset` on and moves `offset` behind what was used; nil asks for more bytes.
    ///
    /// `maxFrameBytes` holds for what a compressed frame may stand for.
    mutating func next(
        _ bytes: UnsafeMutableRawBufferPointer,
        from offset: inout Int,
        maxFrameBytes: Int,
        takesCompressed: Bool = false
    ) throws(WebSocketProtocolError) -> Part? {
        let header: WebSocketFrameHeader
        let taken: Int
        switch self.progress {
        case .head:
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard
                let (read, size) = try self.head(rest, maxFrameBytes: maxFrameBytes, takesCompressed: takesCompressed)
            else { return nil }
            offset += size
            header = read
            taken = 0
            guard header.length == 0 || offset < bytes.count else {
                self.progress = .payload(header, taken: 0)
                return nil
            }
        case .payload(let begun, let before):
            guard offset < bytes.count else { return nil }
            header = begun
            taken = before
        }
        let range = offset..<offset + min(header.length - taken, bytes.count - offset)
        WebSocketMask.apply(
            header.maskingKey,
            phase: taken,
            to: UnsafeMutableRawBufferPointer(rebasing: bytes[range])
        )
        offset = range.upperBound
        let isLast = taken + range.count == header.length
        self.progress = isLast ? .head : .payload(header, taken: taken + range.count)
        return Part(header: header, range: range, isFirst: taken == 0, isLast: isLast)
    }

    /// Reads a message of one frame from `offset` on, and moves `offset` behind it; one pass over its bytes.
    ///
    /// The short way for what most messages are. Nil, and nothing has changed, for all else: `next` reads it, and tells
    /// what is wrong with it. Only between messages; `bytesMax` holds for frame and message.
    @inline(__always)
    mutating func wholeMessage(
        _ bytes: UnsafeMutableRawBufferPointer,
        from offset: inout Int,
        bytesMax: Int
    ) -> WholeMessage? {
        guard case .head = self.progress, let base = bytes.baseAddress else { return nil }
        let here = bytes.count &- offset
        guard here >= 6 else { return nil }
        // SAFETY: all loads are below `here`, and the unmasked bytes are; the loads need no alignment.
        let place = base + offset
        let first = place.load(as: UInt8.self)
        // FIN, no reserved bit.
        guard first == 0x81 || first == 0x82 else { return nil }
        let second = place.load(fromByteOffset: 1, as: UInt8.self)
        // Masked, and no length of 64 bits.
        guard second >= 0x80, second < 0xFF else { return nil }
        var length = Int(second & 0x7F)
        var headBytes = 6
        if length == 126 {
            guard here >= 8 else { return nil }
            length = Int(UInt16(bigEndian: place.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            guard length > 125 else { return nil }
            headBytes = 8
        }
        guard length <= bytesMax, length <= here &- headBytes else { return nil }
        let key = UInt32(littleEndian: place.loadUnaligned(fromByteOffset: headBytes &- 4, as: UInt32.self))
        let all = WebSocketMask.apply(key, to: place + headBytes, count: length)
        let start = offset &+ headBytes
        offset = start &+ length
        self.messageIsCompressed = false
        return WholeMessage(isText: first == 0x81, range: start..<offset, isASCII: all & 0x8080_8080_8080_8080 == 0)
    }

    /// Reads a head; refuses it as early as its bytes allow.
    private mutating func head(
        _ bytes: UnsafeRawBufferPointer,
        maxFrameBytes: Int,
        takesCompressed: Bool
    ) throws(WebSocketProtocolError) -> (WebSocketFrameHeader, size: Int)? {
        guard bytes.count >= 2 else { return nil }
        let (first, second) = (bytes[0], bytes[1])
        // RSV1 marks the first frame of a compressed message where that was agreed on; else no bit has a meaning.
        guard first & 0x30 == 0, first & 0x40 == 0 || takesCompressed else { throw .reservedBits }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw .unknownOpcode }
        guard second & 0x80 != 0 else { throw .unmasked }
        let isFinal = first & 0x80 != 0
        let isMarked = first & 0x40 != 0
        let isCompressed: Bool
        switch opcode {
        case .text, .binary:
            isCompressed = isMarked
        case .continuation, .close, .ping, .pong:
            guard !isMarked else { throw .reservedBits }
            isCompressed = opcode == .continuation && self.messageIsCompressed
        }
        let short = second & 0x7F
        if opcode.isControl {
            guard isFinal else { throw .controlFragmented }
            guard short <= 125 else { throw .controlTooLong }
        }
        let keyOffset = short == 127 ? 10 : short == 126 ? 4 : 2
        guard bytes.count >= keyOffset else { return nil }
        // SAFETY: the bytes up to `keyOffset` are there; the loads need no alignment.
        let length: UInt64
        switch short {
        case 126:
            length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            guard length > 125 else { throw .lengthNotMinimal }
        case 127:
            length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length <= UInt64(Int64.max) else { throw .lengthTooLarge }
            guard length > 0xFFFF else { throw .lengthNotMinimal }
        default:
            length = UInt64(short)
        }
        let lengthMax = isCompressed ? PerMessageDeflate.compressedBytesMax(maxFrameBytes) : maxFrameBytes
        guard length <= UInt64(lengthMax) else { throw .frameTooBig }
        guard bytes.count >= keyOffset + 4 else { return nil }
        let key = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: keyOffset, as: UInt32.self))
        if !opcode.isControl { self.messageIsCompressed = isCompressed }
        return (
            WebSocketFrameHeader(
                isFinal: isFinal,
                isCompressed: isCompressed,
                opcode: opcode,
                length: Int(length),
                maskingKey: key
            ),
            keyOffset + 4
        )
    }
}
