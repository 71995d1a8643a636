#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// A request's body: the same in one piece as in many, within its limits, and as a slow and simple reader takes it.
enum HTTPBodyFuzz {
    private struct Reading: Equatable {
        var body: [UInt8] = []
        var consumed = 0
        var isDone = false
        var error: HTTPParseError?
    }

    static func check(_ input: FuzzInput) throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 512
        limits.chunkFramingBytes = 1024
        limits.chunkExtensionBytes = 32
        limits.trailerBytes = 64
        let framing: HTTPRequestHead.Framing = input.choice & 3 == 0 ? .length(Int(input.choice) * 2) : .chunked
        let whole = Self.decode([input.bytes], framing, limits)
        let inPieces = Self.decode(input.chunks, framing, limits)
        try FuzzFinding.unless(whole.error == inPieces.error, "\(whole), in pieces \(inPieces)")
        if whole.error == nil {
            try FuzzFinding.unless(whole == inPieces, "\(whole), in pieces \(inPieces)")
        }
        try FuzzFinding.unless(whole.body.count <= limits.bodyBytes, "a body is within its limit")
        try FuzzFinding.unless(
            whole.consumed <= limits.bodyBytes + limits.chunkFramingBytes,
            "framing is within its limit"
        )
        guard whole.isDone else { return }
        guard framing == .chunked else {
            return try FuzzFinding.unless(whole.body == Array(input.bytes[..<whole.consumed]), "content is what came")
        }
        let simple = Self.simpleReading(input.bytes)
        try FuzzFinding.unless(simple?.body == whole.body, "the simple reader takes another body")
        try FuzzFinding.unless(simple?.consumed == whole.consumed, "the simple reader ends elsewhere")
        let again = Self.decode([Self.oneChunk(whole.body)], framing, limits)
        try FuzzFinding.unless(again.isDone && again.body == whole.body, "what was read can be written")
    }

    private static func decode(
        _ chunks: [[UInt8]],
        _ framing: HTTPRequestHead.Framing,
        _ limits: HTTPLimits
    ) -> Reading {
        var reading = Reading()
        do throws(HTTPParseError) {
            var decoder = try HTTPBodyDecoder(framing, limits: limits)
            for chunk in chunks {
                reading.consumed += try decoder.decode(chunk.span, into: &reading.body, limits: limits)
            }
            reading.isDone = decoder.isDone
        } catch {
            reading.error = error
        }
        return reading
    }

    private static func oneChunk(_ body: [UInt8]) -> [UInt8] {
        let chunk = body.isEmpty ? [] : Array("\(String(body.count, radix: 16))\r\n".utf8) + body + [13, 10]
        return chunk + Array("0\r\n\r\n".utf8)
    }

    /// Line by line, without limits or care for what extensions and trailers hold; nil for what is not whole.
    private static func simpleReading(_ bytes: [UInt8]) -> (body: [UInt8], consumed: Int)? {
        var body: [UInt8] = []
        var rest = bytes[...]
        func line() -> [UInt8]? {
            guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else { return nil }
            defer { rest = rest[(end + 1)...] }
            return Array(rest[..<(end - 1)])
        }
        while true {
            guard let sizeLine = line() else { return nil }
            let digits = sizeLine.prefix { Character(UnicodeScalar($0)).isHexDigit }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
            if size == 0 { break }
            guard rest.count >= size + 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size)
            guard line() == [] else { return nil }
        }
        while let trailer = line() {
            if trailer.isEmpty { return (body, bytes.count - rest.count) }
        }
        return nil
    }
}
