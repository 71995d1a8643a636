internal import Glibc
internal import TimingleNet

/// The command line: `--port 9001 --loops 1 --scheduling batch --max-message 65536 --tls cert.pem key.pem --deflate`.
struct BareListenerOptions {
    var port: UInt16 = 9001
    var loops = 1
    var scheduling = ThreadScheduling.batch
    var maxMessageBytes = 64 * 1024
    /// `--deflate` offers permessage-deflate; `--deflate-context` lets messages refer to those before them, too.
    var deflate: PerMessageDeflate?
    var tls: (certificateFile: String, keyFile: String)?

    init(_ arguments: [String]) {
        var rest = arguments.dropFirst().makeIterator()
        while let name = rest.next() {
            if name == "--deflate" || name == "--deflate-context" {
                self.deflate = self.deflate ?? PerMessageDeflate()
                if name == "--deflate-context" { self.deflate?.keepsContext = true }
                continue
            }
            guard let value = rest.next() else { Self.refuse("\(name) needs a value") }
            switch name {
            case "--port": self.port = Self.number(name, value)
            case "--loops": self.loops = Self.number(name, value)
            case "--scheduling":
                guard let scheduling = ThreadScheduling(rawValue: value) else {
                    Self.refuse("--scheduling is batch or normal, not \(value)")
                }
                self.scheduling = scheduling
            case "--max-message": self.maxMessageBytes = Self.number(name, value)
            case "--deflate-min":
                self.deflate = self.deflate ?? PerMessageDeflate()
                self.deflate?.bytesMin = Self.number(name, value)
            case "--tls":
                guard let keyFile = rest.next() else { Self.refuse("--tls needs a certificate and a key") }
                self.tls = (value, keyFile)
            default: Self.refuse("unknown option \(name)")
            }
        }
    }

    private static func number<Number: FixedWidthInteger>(_ name: String, _ value: String) -> Number {
        guard let number = Number(value), number >= 0 else { Self.refuse("\(name) needs a number, not \(value)") }
        return number
    }

    private static func refuse(_ reason: String) -> Never {
        let usage = """
            usage: BareListener [--port N] [--loops N] [--scheduling batch|normal] [--max-message BYTES]
                                [--tls CERT KEY] [--deflate] [--deflate-context] [--deflate-min BYTES]
            """
        let text = Array("\(reason)\n\(usage)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
        exit(64)
    }
}
