internal import TimingleNet

/// What a server answered instead of doing what was asked (native protocol v4 section 9).
///
/// Immutable.
package struct CQLServerError: Error, Equatable, Sendable {
    /// What the replicas of a request did.
    package struct Replicas: Equatable, Sendable {
        package let consistency: CQLConsistency
        package let received: Int32
        /// How many had to answer.
        package let required: Int32

        package init(consistency: CQLConsistency, received: Int32, required: Int32) {
            self.consistency = consistency
            self.received = received
            self.required = required
        }
    }

    /// Each code with the fields of its own.
    package enum Code: Equatable, Sendable {
        case serverError
        case protocolError
        case authentication
        case unavailable(consistency: CQLConsistency, required: Int32, alive: Int32)
        case overloaded
        case isBootstrapping
        case truncate
        case writeTimeout(Replicas, writeType: CQLWriteType)
        case readTimeout(Replicas, dataPresent: Bool)
        case readFailure(Replicas, failures: Int32, dataPresent: Bool)
        case functionFailure(keyspace: String, function: String, argumentTypes: [String])
        case writeFailure(Replicas, failures: Int32, writeType: CQLWriteType)
        case cdcWriteFailure
        /// Of version 5; some servers send it in 4 as well.
        case casWriteUnknown(Replicas)
        case syntax
        case unauthorized
        case invalid
        case configuration
        /// The table is empty where a keyspace exists.
        case alreadyExists(keyspace: String, table: String)
        case unprepared(id: [UInt8])
        /// A code of the server's own.
        case other(Int32)
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let number = try reader.readInt32()
        self.message = try reader.readCQLString()
        self.code = try Self.readCode(number, from: &reader)
    }

    private static func readCode(_ number: Int32, from reader: inout ByteReader) throws(WireError) -> Code {
        switch number {
        case 0x0000: .serverError
        case 0x000A: .protocolError
        case 0x0100: .authentication
        case 0x1000:
            .unavailable(
                consistency: try reader.readCQLConsistency(),
                required: try reader.readInt32(),
                alive: try reader.readInt32()
            )
        case 0x1001: .overloaded
        case 0x1002: .isBootstrapping
        case 0x1003: .truncate
        case 0x1100: .writeTimeout(try self.readReplicas(from: &reader), writeType: try CQLWriteType(from: &reader))
        case 0x1200: .readTimeout(try self.readReplicas(from: &reader), dataPresent: try reader.readUInt8() != 0)
        case 0x1300:
            .readFailure(
                try self.readReplicas(from: &reader),
                failures: try reader.readInt32(),
                dataPresent: try reader.readUInt8() != 0
            )
        case 0x1400:
            .functionFailure(
                keyspace: try reader.readCQLString(),
                function: try reader.readCQLString(),
                argumentTypes: try reader.readCQLStringList()
            )
        case 0x1500:
            .writeFailure(
                try self.readReplicas(from: &reader),
                failures: try reader.readInt32(),
                writeType: try CQLWriteType(from: &reader)
            )
        case 0x1600: .cdcWriteFailure
        case 0x1700: .casWriteUnknown(try self.readReplicas(from: &reader))
        case 0x2000: .syntax
        case 0x2100: .unauthorized
        case 0x2200: .invalid
        case 0x2300: .configuration
        case 0x2400: .alreadyExists(keyspace: try reader.readCQLString(), table: try reader.readCQLString())
        case 0x2500: .unprepared(id: try reader.readCQLShortBytes())
        default: .other(number)
        }
    }

    private static func readReplicas(from reader: inout ByteReader) throws(WireError) -> Replicas {
        Replicas(
            consistency: try reader.readCQLConsistency(),
            received: try reader.readInt32(),
            required: try reader.readInt32()
        )
    }
}

/// Which write timed out or failed.
///
/// A value.
package enum CQLWriteType: Hashable, Sendable {
    case simple
    case batch
    case unloggedBatch
    case counter
    case batchLog
    case cas
    case view
    case cdc
    /// A name of the server's own.
    case other(String)

    init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.readCQLString() {
        case "SIMPLE": self = .simple
        case "BATCH": self = .batch
        case "UNLOGGED_BATCH": self = .unloggedBatch
        case "COUNTER": self = .counter
        case "BATCH_LOG": self = .batchLog
        case "CAS": self = .cas
        case "VIEW": self = .view
        case "CDC": self = .cdc
        case let name: self = .other(name)
        }
    }
}
