/// Where an appointment stands, and the moves that are legal.
package enum EventStatus: String, Sendable, CaseIterable, Codable {
    case proposed = "PROPOSED"
    case confirmed = "CONFIRMED"
    case canceled = "CANCELED"
    case done = "DONE"

    /// Canceled and done appointments change no more; their rooms are read-only.
    package var isTerminal: Bool { self == .canceled || self == .done }

    package func canBecome(_ next: EventStatus) -> Bool {
        switch (self, next) {
        case (.proposed, .confirmed), (.proposed, .canceled), (.confirmed, .canceled), (.confirmed, .done): true
        default: false
        }
    }
}
