/// What a frame carries (RFC 6455 section 5.2).
package enum WebSocketOpcode: UInt8, Sendable, CaseIterable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    package var isControl: Bool { self.rawValue & 0x8 != 0 }
}

/// The head of a frame that a client sent.
struct WebSocketFrameHeader: Equatable, Sendable {
    var isFinal: Bool
    /// The frame is a part of a compressed message (RFC 7692 section 6).
    var isCompressed = false
    var opcode: WebSocketOpcode
    /// Bytes of payload that follow the head.
    var length: Int
    /// The four bytes of the masking key, the first one lowest.
    var maskingKey: UInt32
}

/// What a peer did against RFC 6455, and what it is told.
package enum WebSocketProtocolError: Error, Equatable, Sendable, CaseIterable {
    case reservedBits
    case unknownOpcode
    case unmasked
    case lengthNotMinimal
    case lengthTooLarge
    case controlFragmented
    case controlTooLong
    case frameTooBig
    case messageTooBig
    case continuationWithoutStart
    case messageInterrupted
    case invalidUTF8
    case compressedDataInvalid
    case closeTruncated
    case closeCodeInvalid

    package var closeCode: WebSocketCloseCode {
        switch self {
        case .reservedBits, .unknownOpcode, .unmasked, .lengthNotMinimal, .lengthTooLarge, .controlFragmented,
            .controlTooLong, .continuationWithoutStart, .messageInterrupted, .closeTruncated, .closeCodeInvalid:
            .protocolError
        case .frameTooBig, .messageTooBig: .messageTooBig
        case .invalidUTF8, .compressedDataInvalid: .invalidPayload
        }
    }

    /// What the peer is told in the Close frame; at most 123 bytes.
    package var reason: String {
        switch self {
        case .reservedBits: "reserved bit set"
        case .unknownOpcode: "unknown opcode"
        case .unmasked: "client frames must be masked"
        case .lengthNotMinimal: "length not in its shortest form"
        case .lengthTooLarge: "length beyond 63 bits"
        case .controlFragmented: "control frame in fragments"
        case .controlTooLong: "control frame over 125 bytes"
        case .frameTooBig: "frame too big"
        case .messageTooBig: "message too big"
        case .continuationWithoutStart: "continuation of nothing"
        case .messageInterrupted: "new message inside a message"
        case .invalidUTF8: "text is not UTF-8"
        case .compressedDataInvalid: "message does not inflate"
        case .closeTruncated: "close code cut off"
        case .closeCodeInvalid: "close code not allowed"
        }
    }
}
