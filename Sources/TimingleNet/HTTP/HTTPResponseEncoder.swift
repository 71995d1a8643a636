/// Turns an answer into bytes; Date, Content-Length and Connection are the connection's own.
///
/// No state.
enum HTTPResponseEncoder {
    /// What decides about framing and persistence.
    struct Framing: Equatable {
        /// An answer to HEAD states the length of its content and leaves it out.
        var isHead = false
        var close = false
        /// The peer speaks HTTP/1.0 and must be told that the connection stays.
        var sayKeepAlive = false
    }

    static func writeContinue(to out: inout HTTPOutputBuffer) {
        out.write(atMost: 32) { $0.write("HTTP/1.1 100 Continue\r\n\r\n") }
    }

    /// Content up to this size is copied behind the head, so that it leaves as one chunk.
    private static let inlineBodyBytes = 8 * 1024

    /// What is to follow behind what was written.
    enum Rest: Equatable {
        case nothing
        /// The content that lies in memory, apart and shared.
        case content
    }

    /// Appends the head, and small content behind it.
    ///
    /// What lies in a file is counted here, and sent by others.
    static func encode(
        _ response: HTTPResponse,
        _ framing: Framing,
        date: [UInt8],
        to out: inout HTTPOutputBuffer
    ) -> Rest {
        let forbidsContent = response.status.forbidsContent
        // RFC 9110 section 15.3.6: 205 has no content, and says so.
        let hasContent = !forbidsContent && response.status != .resetContent
        let count = hasContent ? response.body.contentCount : 0
        let inMemory = hasContent ? response.body.memoryCount : 0
        let inline = !framing.isHead && inMemory <= Self.inlineBodyBytes
        let room = Self.startRoom(response.fields.block, date) + Self.endRoom + (inline ? inMemory : 0)
        out.write(atMost: room) { writer in
            Self.writeStart(response.status, date, &writer)
            Self.writeFields(response.fields.block, &writer, Self.ownLengths) { _ in false }
            if !forbidsContent {
                writer.write("Content-Length: ")
                writer.write(decimal: count)
                writer.write("\r\n")
            }
            Self.writeConnection(framing, saysUpgrade: Self.saysUpgrade(response.fields), &writer)
            writer.write("\r\n")
            if inline, inMemory > 0 { response.body.write(to: &writer) }
        }
        return inline || framing.isHead || inMemory == 0 ? .nothing : .content
    }

    /// The 101: the handler's fields, then those of the handshake, which are `handshakeBytes` long or shorter.
    static func encodeUpgrade(
        _ response: HTTPResponse,
        date: [UInt8],
        to out: inout HTTPOutputBuffer,
        handshakeBytes: Int,
        _ writeHandshake: (inout HTTPHeadWriter) -> Void
    ) {
        let room = Self.startRoom(response.fields.block, date) + handshakeBytes + Self.endRoom
        out.write(atMost: room) { writer in
            Self.writeStart(.switchingProtocols, date, &writer)
            Self.writeFields(response.fields.block, &writer, Self.handshakeLengths, except: Self.isHandshake)
            writeHandshake(&writer)
            writer.write("\r\n")
        }
    }

    @inline(__always)
    private static func saysUpgrade(_ fields: HTTPFields) -> Bool {
        fields.block.mayHaveNames(HTTPFieldBlock.NameLengths(7)) && fields.contains("Upgrade")
    }

    /// RFC 9110 section 7.8: whoever sends Upgrade names it in Connection, too.
    @inline(__always)
    private static func writeConnection(_ framing: Framing, saysUpgrade: Bool, _ writer: inout HTTPHeadWriter) {
        if framing.close {
            writer.write(saysUpgrade ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n")
        } else if framing.sayKeepAlive {
            writer.write(saysUpgrade ? "Connection: Upgrade, keep-alive\r\n" : "Connection: keep-alive\r\n")
        } else if saysUpgrade {
            writer.write("Connection: Upgrade\r\n")
        }
    }

    /// What Content-Length and Connection need at most, and the end of the section.
    private static let endRoom = 96

    private static func startRoom(_ fields: HTTPFieldBlock, _ date: [UInt8]) -> Int {
        // Status lines are shorter than 64 bytes.
        if fields.isWireForm { return 64 + date.count + fields.bytes.count }
        // A field line has a colon, a space and its end.
        let bytes = fields.lines.reduce(0) { sum, line in
            sum + Int(line.nameEnd - line.nameStart) + Int(line.valueEnd - line.valueStart) + 4
        }
        return 64 + date.count + bytes
    }

    @inline(__always)
    private static func writeStart(_ status: HTTPStatus, _ date: [UInt8], _ writer: inout HTTPHeadWriter) {
        if let line = status.statusLine {
            writer.write(line)
        } else {
            writer.write("HTTP/1.1 ")
            writer.write(decimal: status.code)
            writer.write(" ")
            writer.write(Array(status.reason.utf8))
            writer.write("\r\n")
        }
        writer.write(date)
    }

    @inline(__always)
    private static func writeFields(
        _ fields: HTTPFieldBlock,
        _ writer: inout HTTPHeadWriter,
        _ lengths: HTTPFieldBlock.NameLengths,
        except isLeftOut: (_ name: UnsafeBufferPointer<UInt8>) -> Bool
    ) {
        if !fields.mayHaveNames(lengths) { return writer.write(fields.bytes) }
        let areOwn = fields.lines.contains { line in
            fields.withName(line) { Self.isOwn($0) || isLeftOut($0) }
        }
        if fields.isWireForm, !areOwn { return writer.write(fields.bytes) }
        for line in fields.lines where !fields.withName(line, { Self.isOwn($0) || isLeftOut($0) }) {
            writer.write(fields, line)
        }
    }

    private static var ownLengths: HTTPFieldBlock.NameLengths {
        HTTPFieldBlock.NameLengths(rawValue: 1 << 4 | 1 << 10 | 1 << 14 | 1 << 17)
    }

    /// Fields that only the connection may state.
    private static func isOwn(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: asciiEqualsIgnoringCase(name, "date".utf8)
        case 10: asciiEqualsIgnoringCase(name, "connection".utf8)
        case 14: asciiEqualsIgnoringCase(name, "content-length".utf8)
        case 17: asciiEqualsIgnoringCase(name, "transfer-encoding".utf8)
        default: false
        }
    }

    private static var handshakeLengths: HTTPFieldBlock.NameLengths {
        HTTPFieldBlock.NameLengths(rawValue: Self.ownLengths.rawValue | 1 << 7 | 1 << 20 | 1 << 22 | 1 << 24)
    }

    /// Fields that only the handshake may state.
    private static func isHandshake(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 7: asciiEqualsIgnoringCase(name, "upgrade".utf8)
        case 20: asciiEqualsIgnoringCase(name, "sec-websocket-accept".utf8)
        case 22: asciiEqualsIgnoringCase(name, "sec-websocket-protocol".utf8)
        case 24: asciiEqualsIgnoringCase(name, "sec-websocket-extensions".utf8)
        default: false
        }
    }
}

extension HTTPResponse.Body {
    /// What Content-Length says.
    fileprivate var contentCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let file): file.count
        case .none, .upgrade: 0
        }
    }

    /// How much of it lies in memory.
    fileprivate var memoryCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let file): file.bytes?.count ?? 0
        case .none, .upgrade: 0
        }
    }

    /// All of it that lies in memory.
    var memory: [UInt8] {
        switch self {
        case .bytes(let bytes): bytes
        case .file(let file): file.bytes ?? []
        case .none, .upgrade: []
        }
    }

    fileprivate func write(to writer: inout HTTPHeadWriter) {
        switch self {
        case .bytes(let bytes): writer.write(bytes)
        case .file(let file): if let bytes = file.bytes { writer.write(bytes) }
        case .none, .upgrade: break
        }
    }
}
