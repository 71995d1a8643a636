/// What a connection is to become; whoever serves it knows the protocols that there are.
package protocol HTTPUpgrade: Sendable {
    /// The sub-protocol to answer with; one that the client offered.
    var subprotocol: String? { get }
}
