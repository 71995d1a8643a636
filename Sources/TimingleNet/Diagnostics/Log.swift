/// How much a line matters; ordered.
package enum LogLevel: Int, Sendable, CaseIterable, Comparable {
    case debug, info, notice, warning, error

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    package var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        }
    }

    package init?(name: String) {
        guard let level = LogLevel.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }
}

/// A value beside a message, kept typed until the sink writes it.
package enum LogValue: Sendable, Equatable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    case text(String)
    case number(Int64)
    case flag(Bool)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }
    package init(_ value: some BinaryInteger) { self = .number(Int64(clamping: value)) }
}

/// One line before it is written.
package struct LogLine: Sendable {
    package let level: LogLevel
    package let label: String
    package let message: String
    package let metadata: [(key: String, value: LogValue)]

    package init(level: LogLevel, label: String, message: String, metadata: [(key: String, value: LogValue)]) {
        self.level = level
        self.label = label
        self.message = message
        self.metadata = metadata
    }
}

/// Where lines go.
///
/// Any thread; must not block for long.
package protocol LogSink: Sendable {
    func write(_ line: LogLine)
}

/// A labelled logger: a message that never changes, and what varies as metadata.
///
/// Immutable. The level is checked before the metadata is built.
package struct Log: Sendable {
    package let label: String
    package var level: LogLevel
    private let sink: any LogSink
    private var metadata: [(key: String, value: LogValue)] = []

    package init(label: String, level: LogLevel, sink: any LogSink) {
        self.label = label
        self.level = level
        self.sink = sink
    }

    /// A logger that writes nothing.
    package static let silent = Log(label: "silent", level: .error, sink: SilentSink())

    /// The same logger with one more pair on each line.
    package func with(_ key: String, _ value: LogValue) -> Log {
        var copy = self
        copy.metadata.append((key, value))
        return copy
    }

    /// The same sink and level under another label.
    package func labelled(_ label: String) -> Log { Log(label: label, level: self.level, sink: self.sink) }

    package typealias Pairs = KeyValuePairs<String, LogValue>

    package func debug(_ message: String, _ pairs: @autoclosure () -> Pairs = [:]) { self.log(.debug, message, pairs) }
    package func info(_ message: String, _ pairs: @autoclosure () -> Pairs = [:]) { self.log(.info, message, pairs) }
    package func notice(_ message: String, _ pairs: @autoclosure () -> Pairs = [:]) {
        self.log(.notice, message, pairs)
    }
    package func warning(_ message: String, _ pairs: @autoclosure () -> Pairs = [:]) {
        self.log(.warning, message, pairs)
    }
    package func error(_ message: String, _ pairs: @autoclosure () -> Pairs = [:]) { self.log(.error, message, pairs) }

    private func log(_ level: LogLevel, _ message: String, _ pairs: () -> Pairs) {
        guard level >= self.level else { return }
        let metadata = self.metadata + pairs().map { (key: $0.key, value: $0.value) }
        self.sink.write(LogLine(level: level, label: self.label, message: message, metadata: metadata))
    }
}

private struct SilentSink: LogSink {
    func write(_ line: LogLine) {}
}
