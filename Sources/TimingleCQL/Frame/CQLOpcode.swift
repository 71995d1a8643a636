/// What a frame asks or answers (native protocol v4 section 2.4).
///
/// Immutable.
package enum CQLOpcode: UInt8, Sendable, CaseIterable {
    case error = 0x00
    case startup = 0x01
    case ready = 0x02
    case authenticate = 0x03
    case options = 0x05
    case supported = 0x06
    case query = 0x07
    case result = 0x08
    case prepare = 0x09
    case execute = 0x0A
    case register = 0x0B
    case event = 0x0C
    case batch = 0x0D
    case authChallenge = 0x0E
    case authResponse = 0x0F
    case authSuccess = 0x10

    /// Which side sends it.
    package var direction: CQLDirection {
        switch self {
        case .startup, .options, .query, .prepare, .execute, .register, .batch, .authResponse: .request
        case .error, .ready, .authenticate, .supported, .result, .event, .authChallenge, .authSuccess: .response
        }
    }
}

/// From the client, or from the server.
package enum CQLDirection: Sendable, Equatable {
    case request
    case response
}
