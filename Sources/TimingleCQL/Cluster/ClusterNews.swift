internal import TimingleNet

/// What the control connection learned, which concerns every loop.
///
/// Immutable.
enum ClusterNews: Sendable {
    case learned(ClusterTopology)
    /// Nobody could be asked.
    case couldNotLearn(CQLError)
    /// A node says that the one at this address is up.
    case reportedUp(SocketAddress)
}
