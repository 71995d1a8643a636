#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif
#if canImport(TimingleTestSupport)
internal import TimingleTestSupport
#endif

/// A client's frames where permessage-deflate was agreed on: the claims of `WebSocketFramesFuzz`, and its messages
/// read back from what we compress of them.
enum CompressedMessagesFuzz {
    static func check(_ input: FuzzInput) throws {
        let whole = try WebSocketFramesFuzz.read([input.bytes], by: Self.codec(input.choice))
        let inPieces = try WebSocketFramesFuzz.read(input.chunks, by: Self.codec(input.choice))
        try FuzzFinding.unless(whole == inPieces, "pieces mean the same: \(whole), \(inPieces)")
        let plain = try WebSocketFramesFuzz.read([input.bytes])
        try FuzzFinding.unless(
            plain == whole || plain.last == .refused(.reservedBits),
            "what is not compressed means the same: \(whole), \(plain)"
        )
        for event in whole { try WebSocketFramesFuzz.checkLimits(event) }
        try Self.checkWritten(whole, input.choice)
    }

    private static func settings(_ choice: UInt8) -> PerMessageDeflate {
        var settings = PerMessageDeflate()
        settings.bytesMin = 0
        settings.memoryLevel = choice & 0x80 == 0 ? 5 : 1
        return settings
    }

    private static func agreement(_ choice: UInt8) -> PerMessageDeflateAgreement {
        PerMessageDeflateAgreement(
            serverKeepsContext: choice & 1 != 0,
            clientKeepsContext: choice & 2 != 0,
            serverMaxWindowBits: 8 + Int(choice >> 2 & 3),
            clientMaxWindowBits: choice & 0x10 == 0 ? nil : 8 + Int(choice >> 5 & 3)
        )
    }

    private static func codec(_ choice: UInt8) -> PerMessageDeflateCodec {
        PerMessageDeflateCodec(Self.agreement(choice), PerMessageDeflatePool(Self.settings(choice)))
    }

    /// As a client with the agreed window and context reads them; every third comes from a room.
    private static func checkWritten(_ events: [WebSocketFramesFuzz.Event], _ choice: UInt8) throws {
        let agreement = Self.agreement(choice)
        let codec = Self.codec(choice)
        let room = PerMessageDeflateCodec(alone: Self.settings(choice))
        let client = Inflater(rawWindowBits: agreement.serverWindowBits)
        for case (let place, .message(let isText, let bytes)) in events.enumerated() {
            let opcode: WebSocketOpcode = isText ? .text : .binary
            var frame = bytes.withUnsafeBytes { codec.frame(opcode, $0) }
            if place % 3 == 2, isText {
                var broadcast = BroadcastFrame(textBytes: bytes)
                broadcast.compress(with: room)
                if let compressed = broadcast.compressed {
                    // What was compressed for this client alone is not sent.
                    frame = codec.takesOver(compressed) ? compressed.bytes : nil
                }
            }
            guard let frame else { continue }
            let frames = WebSocketServerFrame.all(in: frame) ?? []
            try FuzzFinding.unless(
                frames.count == 1 && frames[0].opcode == opcode.rawValue && frames[0].isCompressed,
                "\(bytes) is written as \(frames)"
            )
            try FuzzFinding.unless(frames[0].payload.count < bytes.count, "what does not shrink goes out as it is")
            if !agreement.serverKeepsContext { client.reset() }
            var output: [UInt8] = []
            try (frames[0].payload + [0, 0, 0xFF, 0xFF]).withUnsafeBytes {
                try client.inflate($0, into: &output, limit: bytes.count)
            }
            try FuzzFinding.unless(output == bytes, "\(bytes) reads back as \(output)")
        }
    }
}

/// Offers of extensions: stable when written anew, and no answer that the client did not allow.
enum ExtensionOffersFuzz {
    static func check(_ input: FuzzInput) throws {
        let lines = input.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let offers = WebSocketExtensionOffer.all(lines)
        // A comma cannot stand inside a value, so lines may be joined, and cut at commas.
        let joined = WebSocketExtensionOffer.all([lines.joined(separator: ",")])
        try FuzzFinding.unless(offers == joined, "joined \(String(describing: joined))")
        let cut = lines.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let apart = WebSocketExtensionOffer.all(cut)
        try FuzzFinding.unless(offers == apart, "apart \(String(describing: apart))")
        guard let offers else { return }
        for quote in ["", "\""] {
            let again = offers.map { offer in
                offer.parameters.reduce(offer.name) { text, parameter in
                    "\(text);\(parameter.name)" + (parameter.value.map { "=\(quote)\($0)\(quote)" } ?? "")
                }
            }
            try FuzzFinding.unless(WebSocketExtensionOffer.all(again) == offers, "\(again) is another list")
        }
        try Self.checkAnswers(offers, input.choice)
    }

    private static func checkAnswers(_ offers: [WebSocketExtensionOffer], _ choice: UInt8) throws {
        var settings = PerMessageDeflate()
        settings.keepsContext = choice & 1 != 0
        settings.contextBytesPerLoop = Int(choice >> 1) * 4 * 1024
        let shard = PerMessageDeflateShard(settings)
        let offered = offers.lazy.compactMap { PerMessageDeflateOffer($0) }.first
        var codecs: [PerMessageDeflateCodec] = []
        for _ in 0..<4 {
            let agreement = shard.agree(to: offers)
            try FuzzFinding.unless((agreement == nil) == (offered == nil), "the first that can be is taken")
            guard let agreement, let offered else { break }
            try Self.checkAnswer(agreement.fieldValue, to: offered)
            codecs.append(shard.makeCodec(agreement))
            try FuzzFinding.unless(shard.contextBytes <= settings.contextBytesPerLoop, "contexts have a budget")
        }
        for codec in codecs { codec.end() }
        try FuzzFinding.unless(shard.contextBytes == 0, "what ends gives back")
    }

    /// RFC 7692 section 7.1, as a client checks it.
    private static func checkAnswer(_ text: String, to offered: PerMessageDeflateOffer) throws {
        let answers = WebSocketExtensionOffer.all([text]) ?? []
        guard answers.count == 1, let answer = PerMessageDeflateOffer(answers[0]) else {
            throw FuzzFinding(description: "\(text) is no answer")
        }
        try FuzzFinding.unless(answer.serverNoContextTakeover || !offered.serverNoContextTakeover, text)
        if let bits = offered.serverMaxWindowBits {
            try FuzzFinding.unless((answer.serverMaxWindowBits ?? 15) <= bits, text)
        }
        if answer.takesClientMaxWindowBits {
            try FuzzFinding.unless(offered.takesClientMaxWindowBits, text)
            try FuzzFinding.unless((answer.clientMaxWindowBits ?? 16) <= (offered.clientMaxWindowBits ?? 15), text)
        }
    }
}
