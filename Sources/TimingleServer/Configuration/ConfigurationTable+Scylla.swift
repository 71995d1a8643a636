/// Where chat and history are kept when they are not in PostgreSQL: ScyllaDB, or Cassandra, which speaks the same.
extension ConfigurationTable {
    static let scyllaHosts = Variable(
        "SCYLLA_HOSTS",
        aliases: ["SCYLLA_HOST"],
        .list,
        "ScyllaDB or Cassandra, for chat and history: some nodes, through which the others are found; unset: PostgreSQL"
    )
    static let scyllaPort = Variable("SCYLLA_PORT", .integer(1...65_535), default: "9042", "the nodes' CQL port")
    static let scyllaKeyspace = Variable("SCYLLA_KEYSPACE", .text, default: "timingle", "the keyspace")
    static let scyllaReplication = Variable(
        "SCYLLA_REPLICATION",
        .text,
        default: "1",
        "copies of each row when `migrate up` makes the keyspace: 3, or datacenter1:3,datacenter2:3"
    )
    static let scyllaConsistency = Variable(
        "SCYLLA_CONSISTENCY",
        .choice([
            ["QUORUM", "quorum"], ["LOCAL_QUORUM", "local_quorum"], ["EACH_QUORUM", "each_quorum"], ["ALL", "all"],
            ["ONE", "one"], ["LOCAL_ONE", "local_one"],
        ]),
        default: "QUORUM",
        "how many replicas have to agree; below a quorum a page may lack what was just stored"
    )
    static let scyllaLocalDatacenter = Variable(
        "SCYLLA_LOCAL_DC",
        .text,
        "the datacenter whose nodes are asked first; unset: that of the first node that answers"
    )
    static let scyllaUsername = Variable("SCYLLA_USERNAME", .text, "for nodes that ask who we are")
    static let scyllaPassword = Variable("SCYLLA_PASSWORD", .text, isSecret: true, "goes with SCYLLA_USERNAME")
    static let scyllaTLS = Variable(
        "SCYLLA_TLS",
        .flag,
        default: "false",
        "encrypted connections; needs SCYLLA_CA_FILE or SCYLLA_TLS_NAME"
    )
    static let scyllaTLSName = Variable(
        "SCYLLA_TLS_NAME",
        .text,
        "the name that the certificate of each node has to bear; unset: any that SCYLLA_CA_FILE's authority signed"
    )
    static let scyllaCAFile = Variable(
        "SCYLLA_CA_FILE",
        .text,
        "PEM file of the authorities for SCYLLA_TLS; unset: the system's"
    )
    static let scyllaCertificateFile = Variable(
        "SCYLLA_CERT_FILE",
        .text,
        "PEM file with our own certificate, for nodes that want one; with SCYLLA_KEY_FILE"
    )
    static let scyllaKeyFile = Variable("SCYLLA_KEY_FILE", .text, "PEM file with its key")
    static let scyllaConnections = Variable(
        "SCYLLA_CONNECTIONS_PER_HOST",
        .integer(1...64),
        default: "2",
        "connections to each node, at least one a thread; each carries a thousand requests at once"
    )
    static let scyllaConnectTimeout = Variable(
        "SCYLLA_CONNECT_TIMEOUT",
        .duration(.milliseconds(100)...Duration.seconds(120)),
        default: "10s",
        "longest time from the first packet to a connection that is ready"
    )
    static let scyllaRequestTimeout = Variable(
        "SCYLLA_REQUEST_TIMEOUT",
        .duration(.milliseconds(100)...Duration.seconds(120)),
        default: "5s",
        "longest wait for an answer"
    )

    static let scylla: [Variable] = [
        scyllaHosts, scyllaPort, scyllaKeyspace, scyllaReplication, scyllaConsistency, scyllaLocalDatacenter,
        scyllaUsername, scyllaPassword, scyllaTLS, scyllaTLSName, scyllaCAFile, scyllaCertificateFile, scyllaKeyFile,
        scyllaConnections, scyllaConnectTimeout, scyllaRequestTimeout,
    ]
}
