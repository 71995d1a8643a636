/// What an accepted connection is taken over as.
enum ConnectionAdmission: Equatable, Sendable {
    case served
    /// Only to be told why it is not served.
    case refused(HTTPParseError)
    /// From a proxy whose PROXY header comes first; only then it is known whom to count.
    case proxied(overloaded: Bool)

    /// Counts a connection of `client`, and decides; nil for one that is to be closed without a word.
    init?(of client: SocketAddress, overloaded: Bool, _ census: ConnectionCensus?) {
        switch census?.enter(client) ?? .admitted {
        case .admitted: self = overloaded ? .refused(.overloaded) : .served
        case .refused: self = .refused(.tooManyConnections)
        case .dropped: return nil
        }
    }
}
