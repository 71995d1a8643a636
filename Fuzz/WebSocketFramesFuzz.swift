#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif
#if canImport(TimingleTestSupport)
internal import TimingleTestSupport
#endif

/// A client's frames: the same messages in one piece as in many, within their limits, and text that is text.
enum WebSocketFramesFuzz {
    enum Event: Equatable {
        case message(isText: Bool, [UInt8])
        case control(WebSocketOpcode, [UInt8])
        case refused(WebSocketProtocolError)
    }

    static let maxFrameBytes = 300
    static let maxMessageBytes = 400
    /// A frame's longest head: what cannot be read yet.
    private static let keptBytesMax = 13

    static func check(_ input: FuzzInput) throws {
        let whole = try Self.read([input.bytes])
        let inPieces = try Self.read(input.chunks)
        try FuzzFinding.unless(whole == inPieces, "pieces mean the same: \(whole), \(inPieces)")
        for chunks in [[input.bytes], input.chunks] {
            let byTheShortWay = try Self.read(chunks, takesShortWay: true)
            try FuzzFinding.unless(whole == byTheShortWay, "the short way means the same: \(whole), \(byTheShortWay)")
        }
        for event in whole {
            try Self.checkLimits(event)
            switch event {
            case .message(let isText, let bytes): try Self.checkWritten(event, isText ? .text : .binary, bytes)
            case .control(let opcode, let bytes): try Self.checkWritten(event, opcode, bytes)
            case .refused: break
            }
        }
    }

    static func checkLimits(_ event: Event) throws {
        switch event {
        case .message(let isText, let bytes):
            try FuzzFinding.unless(bytes.count <= Self.maxMessageBytes, "a message is within its limit")
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            try FuzzFinding.unless(!isText || isValid, "text is UTF-8")
        case .control(let opcode, let bytes):
            try FuzzFinding.unless(opcode.isControl && bytes.count <= 125, "a control frame is short")
        case .refused:
            break
        }
    }

    /// As the client would send it in one frame, and as we would.
    private static func checkWritten(_ event: Event, _ opcode: WebSocketOpcode, _ bytes: [UInt8]) throws {
        if bytes.count <= Self.maxFrameBytes {
            let again = try Self.read([WebSocketClientFrame(opcode.rawValue, bytes).bytes])
            try FuzzFinding.unless(again == [event], "\(event) reads back as \(again)")
        }
        let ours = WebSocketServerFrame.all(in: WebSocketFrameEncoder.frame(opcode, bytes))
        try FuzzFinding.unless(
            ours == [WebSocketServerFrame(opcode.rawValue, bytes)],
            "\(event) is written as \(ours ?? [])"
        )
    }

    /// What a connection hears, up to the first frame that is refused; compressed messages only where there is a codec.
    ///
    /// A connection takes the short way between messages where it leads anywhere, and else the general one.
    static func read(
        _ chunks: [[UInt8]],
        by codec: PerMessageDeflateCodec? = nil,
        takesShortWay: Bool = false
    ) throws -> [Event] {
        var decoder = WebSocketFrameDecoder()
        var assembler = WebSocketMessageAssembler()
        var events: [Event] = []
        var kept: [UInt8] = []
        for chunk in chunks {
            kept += chunk
            var offset = 0
            let isRefused = kept.withUnsafeMutableBytes { buffer in
                do throws(WebSocketProtocolError) {
                    while takesShortWay, assembler.isBetweenMessages,
                        let message = decoder.wholeMessage(
                            buffer,
                            from: &offset,
                            bytesMax: min(Self.maxFrameBytes, Self.maxMessageBytes)
                        )
                    {
                        let bytes = UnsafeRawBufferPointer(rebasing: buffer[message.range])
                        let isValid = !message.isText || message.isASCII || UTF8Validator.isValid(bytes)
                        guard isValid else { throw .invalidUTF8 }
                        events.append(.message(isText: message.isText, Array(bytes)))
                    }
                    while let part = try decoder.next(
                        buffer,
                        from: &offset,
                        maxFrameBytes: Self.maxFrameBytes,
                        takesCompressed: codec != nil
                    ) {
                        let bytes = UnsafeRawBufferPointer(rebasing: buffer[part.range])
                        let outcome = try assembler.partReceived(part, bytes, maxMessageBytes: Self.maxMessageBytes)
                        switch outcome {
                        case .nothing: break
                        case .wholeMessage(let isText): events.append(.message(isText: isText, Array(bytes)))
                        case .assembledMessage(let isText):
                            events.append(.message(isText: isText, assembler.takeMessage()))
                        case .wholeCompressed(let isText):
                            events.append(try Self.inflated(Array(bytes), isText: isText, by: codec))
                        case .assembledCompressed(let isText):
                            events.append(try Self.inflated(assembler.takeMessage(), isText: isText, by: codec))
                        case .control(let opcode): events.append(.control(opcode, assembler.takeControlPayload()))
                        }
                    }
                    return false
                } catch {
                    events.append(.refused(error))
                    return true
                }
            }
            if isRefused { break }
            kept.removeFirst(offset)
            try FuzzFinding.unless(kept.count <= Self.keptBytesMax, "payload is not held back")
        }
        return events
    }

    private static func inflated(
        _ message: [UInt8],
        isText: Bool,
        by codec: PerMessageDeflateCodec?
    ) throws(WebSocketProtocolError) -> Event {
        guard let codec else { preconditionFailure("a compressed message came where nothing was agreed on") }
        var inflated: [UInt8] = []
        try message.withUnsafeBufferPointer { message throws(WebSocketProtocolError) in
            try codec.withInflated(
                UnsafeRawBufferPointer(message),
                limit: Self.maxMessageBytes
            ) { bytes throws(WebSocketProtocolError) in
                if isText, !bytes.withUnsafeBytes({ UTF8Validator.isValid($0) }) { throw .invalidUTF8 }
                inflated = bytes
            }
        }
        return .message(isText: isText, inflated)
    }
}
