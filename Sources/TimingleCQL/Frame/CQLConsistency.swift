/// How many replicas must agree; the codes of the native protocol v4 section 3.
///
/// Immutable.
package enum CQLConsistency: UInt16, Sendable, CaseIterable {
    case any = 0x0000
    case one = 0x0001
    case two = 0x0002
    case three = 0x0003
    case quorum = 0x0004
    case all = 0x0005
    case localQuorum = 0x0006
    case eachQuorum = 0x0007
    case serial = 0x0008
    case localSerial = 0x0009
    case localOne = 0x000A

    /// True for the two levels of conditional updates; they stand beside a level, never alone.
    package var isSerial: Bool { self == .serial || self == .localSerial }

    /// The name as configuration writes it, such as `LOCAL_QUORUM`; case does not matter.
    package init?(name: String) {
        let wanted = name.uppercased()
        guard let level = Self.allCases.first(where: { $0.name == wanted }) else { return nil }
        self = level
    }

    package var name: String {
        switch self {
        case .any: "ANY"
        case .one: "ONE"
        case .two: "TWO"
        case .three: "THREE"
        case .quorum: "QUORUM"
        case .all: "ALL"
        case .localQuorum: "LOCAL_QUORUM"
        case .eachQuorum: "EACH_QUORUM"
        case .serial: "SERIAL"
        case .localSerial: "LOCAL_SERIAL"
        case .localOne: "LOCAL_ONE"
        }
    }
}
