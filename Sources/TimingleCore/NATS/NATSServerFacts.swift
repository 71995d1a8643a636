/// What a broker's acknowledgement is worth, as far as the broker tells.
///
/// A value.
package struct NATSServerFacts: Sendable, Equatable {
    /// When the broker forces to disk what it acknowledges.
    package enum Sync: String, Sendable {
        /// Before the acknowledgement: it survives the loss of power.
        case always
        /// Some time after it: it survives the death of the process only.
        case interval
        /// Nobody could tell us.
        case unknown
    }

    package var version: String?
    package var sync: Sync

    package init(version: String? = nil, sync: Sync = .unknown) {
        self.version = version
        self.sync = sync
    }

    /// Judges by the version of INFO, and by what the monitor says about that very server, where one is asked.
    ///
    /// Older servers than 2.10.23 have no `sync_interval: always` that holds, whatever their configuration says.
    init(info: NATSServerInfo, monitor: NATSMonitorReport?) {
        self.version = info.version
        self.sync = .unknown
        if info.isTooOld {
            self.sync = .interval
        } else if let monitor, monitor.serverID == info.serverID, let isAlways = monitor.syncsAlways {
            self.sync = isAlways ? .always : .interval
        }
    }
}

/// The first line that a NATS server sends.
struct NATSServerInfo: Equatable {
    let serverID: String
    let version: String

    /// Reads `INFO {…}`; nil for anything else.
    init?(line: [UInt8]) {
        let prefix = Array("INFO ".utf8)
        guard line.starts(with: prefix),
            case .object(let fields)? = try? JSONReader.parse(Array(line.dropFirst(prefix.count))),
            case .string(let serverID)? = fields["server_id"],
            case .string(let version)? = fields["version"], version.utf8.count <= 64
        else { return nil }
        self.serverID = serverID
        self.version = version
    }

    /// Before 2.10.23, or a version that is none.
    var isTooOld: Bool {
        let numbers = self.version.prefix { $0 != "-" && $0 != "+" }.split(separator: ".").map { Int($0) ?? -1 }
        guard numbers.count >= 3 else { return true }
        return numbers.lexicographicallyPrecedes([2, 10, 23])
    }
}

/// What `/varz` of the monitoring port says of JetStream's disk.
struct NATSMonitorReport: Equatable {
    let serverID: String
    /// Nil where JetStream is off.
    let syncsAlways: Bool?

    init?(varz: [UInt8]) {
        guard case .object(let fields)? = try? JSONReader.parse(varz),
            case .string(let serverID)? = fields["server_id"]
        else { return nil }
        self.serverID = serverID
        guard case .object(let jetStream)? = fields["jetstream"], case .object(let config)? = jetStream["config"] else {
            self.syncsAlways = nil
            return
        }
        // A server that does not sync always leaves the member out.
        self.syncsAlways = config["sync_always"] == .bool(true)
    }

    /// Takes the body out of an HTTP/1.0 answer with status 200; nil for any other.
    init?(answer: [UInt8]) {
        let blank = Array("\r\n\r\n".utf8)
        guard answer.starts(with: Array("HTTP/1.".utf8)), answer.count > 12,
            Array(answer[8..<12]) == Array(" 200".utf8),
            let end = answer.indices.first(where: { answer[$0...].starts(with: blank) })
        else { return nil }
        self.init(varz: Array(answer[(end + blank.count)...]))
    }
}
