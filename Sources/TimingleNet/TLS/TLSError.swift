/// Why a TLS context could not be made from its files and settings.
package enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file that is to blame, and what is wrong with it.
    case file(path: String, reason: String)
    /// A call of the library that refused what we gave it.
    case library(operation: String, reason: String)

    package var description: String {
        switch self {
        case .file(let path, let reason): "\(path): \(reason)"
        case .library(let operation, let reason): "\(operation): \(reason)"
        }
    }
}
