/// Frames as a client sends them, right ones and wrong ones.
///
/// A value.
package struct WebSocketClientFrame: Sendable {
    /// How the length is written.
    package enum LengthForm: Sendable {
        case shortest
        case sixteenBits
        case sixtyFourBits
    }

    package var opcode: UInt8
    package var payload: [UInt8]
    package var isFinal = true
    /// The three reserved bits, lowest first.
    package var reserved: UInt8 = 0
    package var key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    package var lengthForm: LengthForm = .shortest

    package init(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
    }

    package static func text(_ text: String) -> [UInt8] { WebSocketClientFrame(0x1, Array(text.utf8)).bytes }

    package static func close(_ code: UInt16, reason: String = "") -> [UInt8] {
        WebSocketClientFrame(0x8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)).bytes
    }

    package var bytes: [UInt8] {
        var out: [UInt8] = [(self.isFinal ? 0x80 : 0) | self.reserved << 4 | self.opcode]
        let mask: UInt8 = self.key == nil ? 0 : 0x80
        let count = self.payload.count
        switch self.lengthForm {
        case .shortest where count <= 125:
            out.append(mask | UInt8(count))
        case .sixteenBits,
            .shortest where count <= 0xFFFF:
            out += [mask | 126, UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
        case .shortest, .sixtyFourBits:
            out.append(mask | 127)
            out += (0..<8).map { UInt8(UInt64(count) >> (56 - 8 * UInt64($0)) & 0xFF) }
        }
        guard let key = self.key else { return out + self.payload }
        return out + key + self.payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
    }
}

/// A frame of ours as a client reads it.
package struct WebSocketServerFrame: Equatable, Sendable {
    package var opcode: UInt8
    package var payload: [UInt8]
    package var isCompressed: Bool

    package init(_ opcode: UInt8, _ payload: [UInt8], isCompressed: Bool = false) {
        self.opcode = opcode
        self.payload = payload
        self.isCompressed = isCompressed
    }

    package static func text(_ text: String) -> WebSocketServerFrame { WebSocketServerFrame(0x1, Array(text.utf8)) }

    package static func close(_ code: UInt16, _ reason: String = "") -> WebSocketServerFrame {
        WebSocketServerFrame(0x8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    /// Reads whole frames and ignores a cut one at the end; nil for anything that a server must not send.
    package static func all(in bytes: [UInt8]) -> [WebSocketServerFrame]? {
        var frames: [WebSocketServerFrame] = []
        var rest = bytes[...]
        while rest.count >= 2 {
            let (first, second) = (rest[rest.startIndex], rest[rest.startIndex + 1])
            guard first & 0xB0 == 0x80, second & 0x80 == 0 else { return nil }
            let wide = second == 126 ? 2 : second == 127 ? 8 : 0
            guard rest.count >= 2 + wide else { break }
            let body = rest.dropFirst(2)
            let length = wide == 0 ? Int(second) : body.prefix(wide).reduce(0) { $0 << 8 | Int($1) }
            guard body.count >= wide + length else { break }
            let payload = Array(body.dropFirst(wide).prefix(length))
            frames.append(WebSocketServerFrame(first & 0x0F, payload, isCompressed: first & 0x40 != 0))
            rest = body.dropFirst(wide + length)
        }
        return frames
    }
}
