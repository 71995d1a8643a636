/// How WebSocket messages are compressed for clients that offer it: permessage-deflate (RFC 7692).
///
/// Immutable.
///
/// Without context takeover each message is compressed by itself. Then one deflater and one inflater serve a whole
/// loop, an idle connection owns nothing, and a room's message is compressed once for all its members. With it,
/// messages shrink more and each connection owns up to 190 KiB.
package struct PerMessageDeflate: Sendable {
    /// Messages below this many bytes go out as they are.
    ///
    /// One of 232 bytes, compressed alone, takes 7 µs and shrinks by 45 bytes.
    package var bytesMin = 256
    /// Level 1 takes 20 µs for 4 KiB of JSON and leaves 26 %; level 6 takes 39 µs for 24 %.
    package var level = 1
    /// A table of 4,096 hashes; a larger one only takes longer to clear before each message.
    package var memoryLevel = 5
    /// Whether messages may refer to those before them, where the client does not object.
    package var keepsContext = false
    /// What the contexts of one loop's connections may take; who comes when it is spent gets none.
    package var contextBytesPerLoop = 64 * 1024 * 1024

    package init() {}

    /// The most bytes that the compressed form of a message of up to `count` bytes may have.
    ///
    /// What cannot be compressed grows: by five bytes a block.
    static func compressedBytesMax(_ count: Int) -> Int {
        count + min(count / 1_024 + 64, .max - count)
    }
}

/// What was agreed on with one client (RFC 7692 section 7.1).
///
/// A value.
struct PerMessageDeflateAgreement: Equatable, Sendable {
    var serverKeepsContext: Bool
    var clientKeepsContext: Bool
    /// Named in the answer when the client asked for it; else 15 holds.
    var serverMaxWindowBits: Int?
    /// Named in the answer only when the client had offered to be told.
    var clientMaxWindowBits: Int?

    var serverWindowBits: Int { self.serverMaxWindowBits ?? 15 }
    var clientWindowBits: Int { self.clientMaxWindowBits ?? 15 }

    /// What zlib may allocate for one connection.
    func contextBytes(_ settings: PerMessageDeflate) -> Int {
        var bytes = 0
        if self.serverKeepsContext {
            bytes += Deflater.memoryBytes(windowBits: self.serverWindowBits, memoryLevel: settings.memoryLevel)
        }
        if self.clientKeepsContext { bytes += Inflater.memoryBytes(windowBits: self.clientWindowBits) }
        return bytes
    }

    /// The value of the answer's Sec-WebSocket-Extensions.
    var fieldValue: String {
        var value = PerMessageDeflateOffer.name
        if !self.serverKeepsContext { value += "; server_no_context_takeover" }
        // Allowed unasked (section 7.1.1.2): every client has to be able to do without.
        if !self.clientKeepsContext { value += "; client_no_context_takeover" }
        if let bits = self.serverMaxWindowBits { value += "; server_max_window_bits=\(bits)" }
        if let bits = self.clientMaxWindowBits { value += "; client_max_window_bits=\(bits)" }
        return value
    }
}

/// The parameters of one offer, understood.
///
/// A value.
struct PerMessageDeflateOffer: Equatable {
    static let name = "permessage-deflate"

    var serverNoContextTakeover = false
    var clientNoContextTakeover = false
    var serverMaxWindowBits: Int?
    /// True when the client can be told a window.
    var takesClientMaxWindowBits = false
    var clientMaxWindowBits: Int?

    /// Nil for another extension, and for an offer that must be declined (section 7.1): with a parameter that is
    /// unknown, that comes twice, or whose value is not right.
    init?(_ offer: WebSocketExtensionOffer) {
        guard offer.name == Self.name else { return nil }
        var seen: Set<String> = []
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch parameter.name {
            case "server_no_context_takeover":
                guard parameter.value == nil else { return nil }
                self.serverNoContextTakeover = true
            case "client_no_context_takeover":
                guard parameter.value == nil else { return nil }
                self.clientNoContextTakeover = true
            case "server_max_window_bits":
                guard let value = parameter.value, let bits = Self.windowBits(value) else { return nil }
                self.serverMaxWindowBits = bits
            case "client_max_window_bits":
                self.takesClientMaxWindowBits = true
                guard let value = parameter.value else { continue }
                guard let bits = Self.windowBits(value) else { return nil }
                self.clientMaxWindowBits = bits
            default:
                return nil
            }
        }
    }

    /// A decimal without leading zeros, 8 to 15.
    private static func windowBits(_ text: String) -> Int? {
        Deflater.windowBits.first { String($0) == text }
    }
}
