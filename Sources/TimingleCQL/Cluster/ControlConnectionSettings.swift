/// Where the control connection begins, and how often it reads the system tables.
///
/// Immutable.
struct ControlConnectionSettings: Sendable {
    /// Some nodes, which tell of all others.
    var hosts: [(host: String, port: UInt16)]
    /// For the connection; what it takes to connect is the time for each question as well.
    var connection: CQLConnectionSettings
    /// Nil for that of the node which answers first.
    var localDataCenter: String?
    var backoff: ReconnectBackoff
    /// Events within this time are one reason to read the tables anew.
    var eventDebounce: Duration
    /// The tables are read as often without any event, in case one was lost.
    var refreshInterval: Duration
    /// Nodes that are believed from a system table.
    var nodesMax: Int
}
