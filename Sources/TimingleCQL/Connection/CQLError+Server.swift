extension CQLError {
    /// What a node answered instead of doing what was asked.
    init(_ error: CQLServerError, node: String) {
        self.init(Self.code(error.code), error.message, node: node, wasSent: true, underlying: Self.detail(error.code))
    }

    private static func code(_ code: CQLServerError.Code) -> Code {
        switch code {
        case .serverError: .serverError
        case .protocolError: .protocolError
        case .authentication: .authentication
        case .unavailable: .unavailable
        case .overloaded: .overloaded
        case .isBootstrapping: .isBootstrapping
        case .truncate: .truncate
        case .writeTimeout: .writeTimeout
        case .readTimeout: .readTimeout
        case .readFailure: .readFailure
        case .functionFailure: .functionFailure
        case .writeFailure: .writeFailure
        case .cdcWriteFailure: .cdcWriteFailure
        case .casWriteUnknown: .casWriteUnknown
        case .syntax: .syntax
        case .unauthorized: .unauthorized
        case .invalid: .invalid
        case .configuration: .configuration
        case .alreadyExists: .alreadyExists
        case .unprepared: .unprepared
        case .other: .otherServerError
        }
    }

    /// The numbers that tell what the replicas did.
    private static func detail(_ code: CQLServerError.Code) -> String? {
        switch code {
        case .unavailable(let consistency, let required, let alive):
            "\(consistency.name): \(alive) of \(required) alive"
        case .writeTimeout(let replicas, let writeType): "\(Self.detail(replicas)), \(writeType)"
        case .writeFailure(let replicas, let failures, let writeType):
            "\(Self.detail(replicas)), \(failures) failed, \(writeType)"
        case .readTimeout(let replicas, _), .casWriteUnknown(let replicas): Self.detail(replicas)
        case .readFailure(let replicas, let failures, _): "\(Self.detail(replicas)), \(failures) failed"
        case .other(let number): "code \(number)"
        case .serverError, .protocolError, .authentication, .overloaded, .isBootstrapping, .truncate, .functionFailure,
            .cdcWriteFailure, .syntax, .unauthorized, .invalid, .configuration, .alreadyExists, .unprepared:
            nil
        }
    }

    private static func detail(_ replicas: CQLServerError.Replicas) -> String {
        "\(replicas.consistency.name): \(replicas.received) of \(replicas.required) answered"
    }
}
