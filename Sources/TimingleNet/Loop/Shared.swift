/// Settings that very many objects share: a reference instead of a copy in each.
///
/// Immutable.
package final class Shared<Value: Sendable>: Sendable {
    package let value: Value
    package init(_ value: Value) { self.value = value }
}
