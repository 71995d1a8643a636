/// A migration is missing, was changed after it was applied, is out of order, or failed for good.
package struct MigrationError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
