/// Why a WebSocket ends: the codes of RFC 6455 section 7.4 and ours.
///
/// Immutable.
///
/// Ours: 4000 to 4499 invite to connect again, 4500 to 4999 do not.
package struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let normal = WebSocketCloseCode(rawValue: 1000)
    package static let goingAway = WebSocketCloseCode(rawValue: 1001)
    package static let protocolError = WebSocketCloseCode(rawValue: 1002)
    package static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// The peer's Close had no code; never on the wire.
    package static let noStatus = WebSocketCloseCode(rawValue: 1005)
    /// The connection ended without a Close; never on the wire.
    package static let abnormal = WebSocketCloseCode(rawValue: 1006)
    package static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
    package static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    package static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    package static let internalError = WebSocketCloseCode(rawValue: 1011)
    package static let serviceRestart = WebSocketCloseCode(rawValue: 1012)
    /// Too slow, or we are overloaded.
    package static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

    package static let tokenEnded = WebSocketCloseCode(rawValue: 4001)
    package static let positionLost = WebSocketCloseCode(rawValue: 4010)
    package static let tokenInvalid = WebSocketCloseCode(rawValue: 4501)
    package static let signedOut = WebSocketCloseCode(rawValue: 4503)
    package static let notAMember = WebSocketCloseCode(rawValue: 4507)
    package static let flood = WebSocketCloseCode(rawValue: 4509)

    /// What a client should do next.
    package enum Advice: Sendable, Equatable {
        case reconnect
        case stay
    }

    package var advice: Advice {
        switch self.rawValue {
        case 1001, 1006, 1011, 1012, 1013, 4000...4499: .reconnect
        default: .stay
        }
    }

    /// True for codes that may stand in a Close frame.
    ///
    /// Not below 1000, not those that only name a local observation (1004 to 1006, 1015), not the unassigned (1016 to
    /// 2999), and nothing from 5000.
    package var isAllowedOnTheWire: Bool {
        switch self.rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    package var description: String { String(self.rawValue) }
}
