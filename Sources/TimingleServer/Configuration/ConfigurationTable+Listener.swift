/// What the listener lets peers do.
extension ConfigurationTable {
    static let bodyBytes = Variable(
        "HTTP_MAX_BODY_BYTES",
        .integer(1_024...67_108_864),
        default: "1048576",
        "largest request body"
    )
    static let queueBytes = Variable(
        "HTTP_QUEUE_BYTES",
        .integer(65_536...268_435_456),
        default: "8388608",
        "queued bytes of answers that make a client too slow"
    )
    static let connections = Variable(
        "HTTP_MAX_CONNECTIONS",
        .integer(1...1_000_000),
        default: "100000",
        "connections at once; held below the limit on open files, with a warning"
    )
    static let connectionsPerAddress = Variable(
        "HTTP_MAX_CONNECTIONS_PER_ADDRESS",
        .integer(0...1_000_000),
        default: "1000",
        "connections at once of one IPv4 address or IPv6 /64; 0: no limit; loopback and TRUSTED_PROXIES are not counted"
    )
    static let headTimeout = Variable(
        "HTTP_HEADER_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(300)),
        default: "10s",
        "from the first byte of a request to the end of its header section"
    )
    static let bodyTimeout = Variable(
        "HTTP_BODY_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(3_600)),
        default: "60s",
        "longest time for a request body, whatever its rate; below 512 bytes a second it ends after 5s"
    )
    static let idleTimeout = Variable(
        "HTTP_IDLE_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(3_600)),
        default: "75s",
        "how long a connection may wait for its next request"
    )
    static let writeTimeout = Variable(
        "HTTP_WRITE_TIMEOUT",
        .duration(.seconds(1)...Duration.seconds(600)),
        default: "30s",
        "longest time without progress in writing, and the time over which the rate below counts"
    )
    static let writeRate = Variable(
        "HTTP_MIN_READ_RATE",
        .integer(0...1_048_576),
        default: "1024",
        "bytes a second, in the mean, that a client with queued bytes has to take; 0: any progress will do"
    )
    static let tlsCertificateFile = Variable(
        "TLS_CERT_FILE",
        .text,
        "PEM file with the certificate chain, the leaf first; with TLS_KEY_FILE the listener speaks HTTPS and WSS "
            + "only; SIGHUP reads both anew"
    )
    static let tlsKeyFile = Variable(
        "TLS_KEY_FILE",
        .text,
        "PEM file with the certificate's private key, not encrypted"
    )
    static let tlsMinimumVersion = Variable(
        "TLS_MIN_VERSION",
        .choice([["1.2"], ["1.3"]]),
        default: "1.2",
        "oldest TLS version that clients may speak"
    )
    static let corsOrigins = Variable("CORS_ALLOWED_ORIGINS", .list, "browser origins that may call; none by default")
    static let trustedProxies = Variable(
        "TRUSTED_PROXIES",
        .addressBlocks,
        "peers that are believed when they say whom they speak for; none by default"
    )
    static let forwardedField = Variable(
        "FORWARDED_FIELD",
        .choice([["x-forwarded-for"], ["forwarded"], ["none"]]),
        default: "x-forwarded-for",
        "the field in which TRUSTED_PROXIES say it: the one that they write themselves"
    )
    static let proxyProtocol = Variable(
        "PROXY_PROTOCOL",
        .flag,
        default: "false",
        "whether connections of TRUSTED_PROXIES begin with a PROXY protocol header (version 2), without which they are "
            + "closed"
    )

    static let gzip = Variable(
        "HTTP_GZIP",
        .flag,
        default: "true",
        "whether answers of 1 KiB and more are compressed for clients that take gzip"
    )

    static let webSocketCompression = Variable(
        "WEBSOCKET_COMPRESSION",
        .flag,
        default: "true",
        "whether messages of 256 bytes and more are compressed for sockets that offer permessage-deflate"
    )

    static let staticDirectory = Variable(
        "STATIC_DIR",
        .text,
        "directory whose files are served below /console/; it is opened once, at start; unset: nothing is served there"
    )

    static let listener: [Variable] = [
        bodyBytes, queueBytes, connections, connectionsPerAddress, headTimeout, bodyTimeout, idleTimeout, writeTimeout,
        writeRate, tlsCertificateFile, tlsKeyFile, tlsMinimumVersion, corsOrigins, trustedProxies, forwardedField,
        proxyProtocol, gzip, webSocketCompression, staticDirectory,
    ]
}
