/// Writes a server's frames: never masked, never in fragments, lengths in their shortest form.
enum WebSocketFrameEncoder {
    /// The longest payload of a control frame.
    static let maxControlBytes = 125

    /// One whole frame; RSV1 says that its payload is compressed.
    static func frame(
        _ opcode: WebSocketOpcode,
        _ payload: UnsafeRawBufferPointer,
        isCompressed: Bool = false
    ) -> [UInt8] {
        precondition(!opcode.isControl || payload.count <= self.maxControlBytes, "control frame over 125 bytes")
        let count = payload.count
        let headSize = count <= 125 ? 2 : count <= 0xFFFF ? 4 : 10
        // Neither `unsafeUninitializedCapacity` nor `repeating`: those are unspecialised in the library and look up
        // metadata at each call.
        var frame: [UInt8] = []
        frame.reserveCapacity(headSize + count)
        frame.append((isCompressed ? 0xC0 : 0x80) | opcode.rawValue)
        switch headSize {
        case 2:
            frame.append(UInt8(count))
        case 4:
            frame.append(126)
            frame.append(UInt8(count >> 8))
            frame.append(UInt8(count & 0xFF))
        default:
            frame.append(127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(count >> shift & 0xFF)) }
        }
        // SAFETY: bytes are bytes; a buffer of them is copied at once where a raw one goes byte by byte.
        let bytes = payload.baseAddress?.assumingMemoryBound(to: UInt8.self)
        frame.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
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
