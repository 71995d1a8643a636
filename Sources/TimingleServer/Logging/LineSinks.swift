internal import TimingleCore
internal import TimingleNet

/// How a log line looks.
enum LogLineFormat: Sendable {
    /// One JSON object a line, for machines.
    case json
    /// Columns, for people.
    case pretty

    func bytes(of line: LogLine, at time: Timestamp) -> [UInt8] {
        switch self {
        case .json: Self.json(line, time)
        case .pretty: Self.pretty(line, time)
        }
    }

    private static func json(_ line: LogLine, _ time: Timestamp) -> [UInt8] {
        var bytes = JSONWriter.object { writer in
            writer.field("time", time)
            writer.field("level", line.level.name)
            writer.field("label", line.label)
            writer.field("message", line.message)
            guard !line.metadata.isEmpty else { return }
            writer.field(
                "metadata",
                object: { writer in
                    for (key, value) in line.metadata { writer.field(key, value) }
                }
            )
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private static func pretty(_ line: LogLine, _ time: Timestamp) -> [UInt8] {
        var text = "\(time.description.dropFirst(11)) "
        text += line.level.name.uppercased().padded(to: 8)
        text += line.label.padded(to: 12)
        text += Self.shown(line.message, quotesSpaces: false)
        for (key, value) in line.metadata {
            switch value {
            case .text(let value): text += " \(key)=\(Self.shown(value, quotesSpaces: true))"
            case .number(let value): text += " \(key)=\(value)"
            case .flag(let value): text += " \(key)=\(value)"
            }
        }
        return Array(text.utf8) + [UInt8(ascii: "\n")]
    }

    /// Quoted like JSON where it could be taken for something else, or could play tricks on a terminal.
    private static func shown(_ text: String, quotesSpaces: Bool) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value) && scalar != "\""
                && !(quotesSpaces && (scalar == " " || scalar == "="))
        }
        if isPlain && !(quotesSpaces && text.isEmpty) { return text }
        let quoted = String(decoding: JSONWriter.bytes(of: text), as: UTF8.self)
        return String(
            String.UnicodeScalarView(quoted.unicodeScalars.filter { !(0x7f...0x9f).contains($0.value) })
        )
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - self.utf8.count))
    }
}

extension LogValue: JSONWritable {
    func write(to writer: inout JSONWriter) {
        switch self {
        case .text(let value): writer.string(value)
        case .number(let value): writer.integer(value)
        case .flag(let value): value.write(to: &writer)
        }
    }
}

/// Stamps and formats lines where they arise, and hands them to the writer.
///
/// Any thread.
struct LineSink: LogSink {
    let format: LogLineFormat
    let writer: LogWriter
    let clock: any WallClock

    func write(_ line: LogLine) {
        self.writer.append(self.format.bytes(of: line, at: self.clock.now()))
    }

    /// A sink on `stream` in `format`.
    static func standard(_ stream: StandardStream, format: LogLineFormat, clock: any WallClock) -> LineSink {
        let writer = LogWriter(
            output: { bytes in stream.write(bytes) },
            droppedLine: { count in
                let line = LogLine(
                    level: .warning,
                    label: "log",
                    message: "log lines dropped",
                    metadata: [("count", .number(Int64(count)))]
                )
                return format.bytes(of: line, at: clock.now())
            }
        )
        return LineSink(format: format, writer: writer, clock: clock)
    }
}
