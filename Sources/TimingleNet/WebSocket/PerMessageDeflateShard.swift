/// One loop's part of permessage-deflate: agrees with clients and gives their connections what they work with.
///
/// Loop-confined.
final class PerMessageDeflateShard {
    private let pool: PerMessageDeflatePool
    /// Codecs of connections that keep no context, by the server's window.
    private var codecs: [Int: PerMessageDeflateCodec] = [:]

    init(_ settings: PerMessageDeflate) { self.pool = PerMessageDeflatePool(settings) }

    /// What the contexts of open connections may take.
    var contextBytes: Int { self.pool.contextBytes }

    /// Accepts the first offer that can be; nil when none can.
    ///
    /// A context for which there is no room is not agreed on.
    func agree(to offers: [WebSocketExtensionOffer]) -> PerMessageDeflateAgreement? {
        guard let offer = offers.lazy.compactMap({ PerMessageDeflateOffer($0) }).first else { return nil }
        let settings = self.pool.settings
        var agreement = PerMessageDeflateAgreement(
            serverKeepsContext: settings.keepsContext && !offer.serverNoContextTakeover,
            clientKeepsContext: settings.keepsContext && !offer.clientNoContextTakeover,
            serverMaxWindowBits: offer.serverMaxWindowBits,
            clientMaxWindowBits: offer.clientMaxWindowBits
        )
        if !self.pool.hasRoom(for: agreement) { agreement.clientKeepsContext = false }
        if !self.pool.hasRoom(for: agreement) { agreement.serverKeepsContext = false }
        // Where all share one inflater, a smaller window saves nothing.
        if !agreement.clientKeepsContext { agreement.clientMaxWindowBits = nil }
        return agreement
    }

    /// What one connection works with, until it calls `end`.
    func makeCodec(_ agreement: PerMessageDeflateAgreement) -> PerMessageDeflateCodec {
        guard !agreement.serverKeepsContext, !agreement.clientKeepsContext else {
            return PerMessageDeflateCodec(agreement, self.pool)
        }
        let codec = self.codecs[agreement.serverWindowBits] ?? PerMessageDeflateCodec(agreement, self.pool)
        self.codecs[agreement.serverWindowBits] = codec
        return codec
    }
}
