/// What a store may report to a service; drivers' errors are wrapped where they are called.
package enum StoreError: Error, Sendable, Equatable {
    /// The store is away, overloaded or too slow; the same call may succeed later.
    case unavailable(String)
    /// A uniqueness or exclusion rule of the store was hit; carries the constraint's name.
    case conflict(constraint: String)
    /// The data can never be stored, or what is stored cannot be read: a defect or a poison value.
    case rejected(String)

    /// The service error for a caller who cannot do better.
    package var asServiceError: ServiceError {
        switch self {
        case .unavailable(let reason): .unavailable(reason)
        case .conflict(let constraint), .rejected(let constraint): .unavailable("store refused: \(constraint)")
        }
    }
}
