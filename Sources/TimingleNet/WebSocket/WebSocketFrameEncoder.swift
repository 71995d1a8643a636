/// Writes a server's frames: never masked, never in fragments, lengths in their shortest form.
enum WebSocketFrameEncoder {
    /// The longest payload of a control frame.
    static let maxControlBytes = 125

    /// One whole frame.
    static func frame(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer) -> [UInt8] {
        precondition(!opcode.isControl || payload.count <= self.maxControlBytes, "control frame over 125 bytes")
        let count = payload.count
        let headSize = count <= 125 ? 2 : count <= 0xFFFF ? 4 : 10
        // Not `unsafeUninitializedCapacity`: that is unspecialised in the library and looks up metadata at each call.
        var frame = [UInt8](repeating: 0, count: headSize + count)
        frame.withUnsafeMutableBytes { raw in
            // SAFETY: all `headSize + count` bytes are there; stores are at offsets within the head.
            raw[0] = 0x80 | opcode.rawValue
            switch headSize {
            case 2:
                raw[1] = UInt8(count)
            case 4:
                raw[1] = 126
                raw.storeBytes(of: UInt16(count).bigEndian, toByteOffset: 2, as: UInt16.self)
            default:
                raw[1] = 127
                raw.storeBytes(of: UInt64(count).bigEndian, toByteOffset: 2, as: UInt64.self)
            }
            UnsafeMutableRawBufferPointer(rebasing: raw[headSize...]).copyMemory(from: payload)
        }
        return frame
    }

    static func frame(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> [UInt8] {
        payload.withUnsafeBytes { self.frame(opcode, $0) }
    }

    static func frame(text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { self.frame(.text, UnsafeRawBufferPointer($0)) }
    }

    /// A Close frame; a code that must not be sent makes an empty one, a long reason is cut between characters.
    static func close(_ code: WebSocketCloseCode, reason: String = "") -> [UInt8] {
        guard code.isAllowedOnTheWire else { return self.frame(.close, []) }
        var payload = [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
        for character in reason.unicodeScalars {
            let bytes = UTF8.encode(character) ?? UTF8.encodedReplacementCharacter
            guard payload.count + bytes.count <= self.maxControlBytes else { break }
            payload.append(contentsOf: bytes)
        }
        return self.frame(.close, payload)
    }
}
