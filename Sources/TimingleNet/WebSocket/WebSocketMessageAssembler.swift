/// Joins fragments to messages, control frames in between; checks order, size and UTF-8 on the way.
///
/// A value. A message that lies in the buffer as one unfragmented frame is not copied.
struct WebSocketMessageAssembler {
    enum Outcome: Equatable {
        /// More parts are to come.
        case nothing
        /// The part is a whole message where it lies.
        case wholeMessage(isText: Bool)
        /// `takeMessage` has a message.
        case assembledMessage(isText: Bool)
        /// The part is a whole compressed message where it lies.
        case wholeCompressed(isText: Bool)
        /// `takeMessage` has a message that is still compressed.
        case assembledCompressed(isText: Bool)
        /// `takeControlPayload` has the payload.
        case control(WebSocketOpcode)
    }

    private enum Progress: Equatable {
        case betweenMessages
        case inMessage(isText: Bool)
    }

    private var progress: Progress = .betweenMessages
    private var message: [UInt8] = []
    private var validator = UTF8Validator()
    private var control: [UInt8] = []

    /// True where no fragment waits for others.
    var isBetweenMessages: Bool { self.progress == .betweenMessages }

    /// Takes the next part, whose unmasked payload is `bytes`.
    mutating func partReceived(
        _ part: WebSocketFrameDecoder.Part,
        _ bytes: UnsafeRawBufferPointer,
        maxMessageBytes: Int
    ) throws(WebSocketProtocolError) -> Outcome {
        let header = part.header
        if header.opcode.isControl {
            self.control.append(contentsOf: bytes)
            return part.isLast ? .control(header.opcode) : .nothing
        }
        if part.isFirst {
            try self.checkOrder(header)
            // Checked when the head is known, before its bytes have come.
            let bytesMax =
                header.isCompressed ? PerMessageDeflate.compressedBytesMax(maxMessageBytes) : maxMessageBytes
            guard header.length <= bytesMax - self.message.count else { throw .messageTooBig }
        }
        let isText: Bool
        switch self.progress {
        case .betweenMessages:
            isText = header.opcode == .text
            if header.isFinal, part.isFirst, part.isLast {
                if header.isCompressed { return .wholeCompressed(isText: isText) }
                if isText, !UTF8Validator.isValid(bytes) { throw .invalidUTF8 }
                return .wholeMessage(isText: isText)
            }
            self.progress = .inMessage(isText: isText)
        case .inMessage(let begunAsText):
            isText = begunAsText
        }
        // Text can be read only when it is inflated, which is done once, when all of it is there.
        if isText, !header.isCompressed, !self.validator.validate(bytes) { throw .invalidUTF8 }
        self.message.append(contentsOf: bytes)
        guard header.isFinal, part.isLast else { return .nothing }
        guard self.validator.isComplete else { throw .invalidUTF8 }
        self.progress = .betweenMessages
        if header.isCompressed { return .assembledCompressed(isText: isText) }
        return .assembledMessage(isText: isText)
    }

    /// Hands over what was assembled; its storage is not kept, an idle connection owns none.
    mutating func takeMessage() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &self.message)
        return taken
    }

    mutating func takeControlPayload() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &self.control)
        return taken
    }

    private func checkOrder(_ header: WebSocketFrameHeader) throws(WebSocketProtocolError) {
        switch (self.progress, header.opcode) {
        case (.betweenMessages, .continuation): throw .continuationWithoutStart
        case (.inMessage, .text), (.inMessage, .binary): throw .messageInterrupted
        case (.betweenMessages, _), (.inMessage, _): break
        }
    }
}
