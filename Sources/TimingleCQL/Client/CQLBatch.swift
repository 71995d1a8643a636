/// Several statements that change data, sent and answered as one.
///
/// A value. How its statements are to run by themselves does not count.
package struct CQLBatch: Sendable {
    package var kind: BatchRequest.Kind
    package var statements: [CQLStatement]
    /// Nil for the client's.
    package var consistency: CQLConsistency?
    package var serialConsistency: CQLConsistency?
    package var timestampMicroseconds: Int64?
    /// Whether running all of it twice is the same as running it once.
    package var isIdempotent = false
    /// The time for all tries together; nil for the client's.
    package var timeout: Duration?

    package init(_ kind: BatchRequest.Kind, _ statements: [CQLStatement] = []) {
        self.kind = kind
        self.statements = statements
    }
}
