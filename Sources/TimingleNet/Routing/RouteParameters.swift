/// The captured segments of a route, percent-decoded.
///
/// A value.
package struct RouteParameters: Sendable {
    private var entries: [(name: String, value: String)]

    package init() { self.entries = [] }

    package init(_ entries: [(name: String, value: String)]) { self.entries = entries }

    package subscript(name: String) -> String? {
        self.entries.first { $0.name == name }?.value
    }

    mutating func append(_ name: String, _ value: String) { self.entries.append((name, value)) }
}
