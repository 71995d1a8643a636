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
        // Neither `unsafeUninitializedCapacity` nor `repeating`: those are unspecialised in the library and look up
        // metadata at each call.
        var frame: [UInt8] = []
        frame.reserveCapacity(self.headBytes(payload.count) + payload.count)
        self.append(opcode, payload, isCompressed: isCompressed, to: &frame)
        return frame
    }

    /// Puts one whole frame behind what `out` holds.
    static func append(
        _ opcode: WebSocketOpcode,
        _ payload: UnsafeRawBufferPointer,
        isCompressed: Bool = false,
        to out: inout [UInt8]
    ) {
        precondition(!opcode.isControl || payload.count <= self.maxControlBytes, "control frame over 125 bytes")
        let count = payload.count
        let first = (isCompressed ? 0xC0 : 0x80) | opcode.rawValue
        switch self.headBytes(count) {
        case 2:
            self.append(UInt16(first) << 8 | UInt16(count), to: &out)
        case 4:
            self.append(UInt32(first) << 24 | 126 << 16 | UInt32(count), to: &out)
        default:
            self.append(UInt16(first) << 8 | 127, to: &out)
            self.append(UInt64(count), to: &out)
        }
        // SAFETY: bytes are bytes; a buffer of them is copied at once where a raw one goes byte by byte.
        let bytes = payload.baseAddress?.assumingMemoryBound(to: UInt8.self)
        out.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
    }

    /// Puts one whole frame at the beginning of `memory`, which has room for it.
    @inline(__always)
    static func write(
        _ opcode: WebSocketOpcode,
        _ payload: UnsafeRawBufferPointer,
        to memory: UnsafeMutableRawBufferPointer
    ) {
        let count = payload.count
        let headBytes = self.headBytes(count)
        precondition(!opcode.isControl || count <= self.maxControlBytes, "control frame over 125 bytes")
        guard memory.count >= headBytes + count, let place = memory.baseAddress else {
            preconditionFailure("no room for a frame")
        }
        // SAFETY: head and payload are within `memory`, as was looked; the stores need no alignment.
        let first = 0x80 | opcode.rawValue
        switch headBytes {
        case 2:
            place.storeBytes(of: (UInt16(first) << 8 | UInt16(count)).bigEndian, as: UInt16.self)
        case 4:
            place.storeBytes(of: (UInt32(first) << 24 | 126 << 16 | UInt32(count)).bigEndian, as: UInt32.self)
        default:
            place.storeBytes(of: (UInt16(first) << 8 | 127).bigEndian, as: UInt16.self)
            place.storeBytes(of: UInt64(count).bigEndian, toByteOffset: 2, as: UInt64.self)
        }
        if let bytes = payload.baseAddress { (place + headBytes).copyMemory(from: bytes, byteCount: count) }
    }

    /// Appends the bytes of a number at once: each append looks for room and for a second owner.
    @inline(__always)
    private static func append(_ number: some FixedWidthInteger, to out: inout [UInt8]) {
        // SAFETY: the bytes of an integer may be read as bytes.
        withUnsafeBytes(of: number.bigEndian) { out.append(contentsOf: $0.bindMemory(to: UInt8.self)) }
    }

    /// The size of a server's head for a payload of `count` bytes.
    static func headBytes(_ count: Int) -> Int { count <= 125 ? 2 : count <= 0xFFFF ? 4 : 10 }

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
