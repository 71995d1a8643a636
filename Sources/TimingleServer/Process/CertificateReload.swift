internal import TimingleCore
internal import TimingleNet

/// Reads certificate and key anew at each SIGHUP; a file that cannot be used leaves the old ones in force.
///
/// Any thread.
struct CertificateReload: Sendable {
    let context: TLSContext
    let settings: TLSServerSettings
    let log: Log
    let clock: any WallClock

    /// Returns when its task is cancelled.
    func run() async {
        self.tellEnd("certificate in use")
        let signals = HangUpSignals()
        for await _ in signals.all { self.reload() }
    }

    func reload() {
        do throws(TLSError) {
            try self.context.reload()
            self.tellEnd("certificate reloaded")
        } catch {
            self.log.error(
                "certificate not reloaded, the old one stays in use",
                ["reason": .text(error.description)]
            )
        }
    }

    private func tellEnd(_ message: String) {
        let end = Timestamp(milliseconds: (self.context.certificateEnd ?? 0) * 1_000)
        let file = LogValue.text(self.settings.certificateFile)
        if end <= self.clock.now() {
            self.log.warning("certificate has ended", ["file": file, "ended": .text(end.description)])
        } else {
            self.log.info(message, ["file": file, "ends": .text(end.description)])
        }
    }
}
