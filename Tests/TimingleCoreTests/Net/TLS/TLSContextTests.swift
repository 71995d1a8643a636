import Foundation
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct TLSContextTests {
    private static let good = TestCertificate.shared

    private func failure(_ certificateFile: String, _ keyFile: String) -> TLSError? {
        do throws(TLSError) {
            _ = try TLSContext(server: TLSServerSettings(certificateFile: certificateFile, keyFile: keyFile))
            return nil
        } catch {
            return error
        }
    }

    @Test func goodFilesAreTaken() throws {
        #expect(self.failure(Self.good.certificateFile, Self.good.keyFile) == nil)
        let end = try #require(try TestTransport.serverContext.get().certificateEnd)
        let left = Double(end) - Date().timeIntervalSince1970
        #expect(left > 86_400 && left <= 2 * 86_400)
    }

    @Test func anErrorNamesTheFileAndTheReason() {
        let (certificate, key) = (Self.good.certificateFile, Self.good.keyFile)
        #expect(
            self.failure("/nowhere/cert.pem", key)?.description
                == "/nowhere/cert.pem: open: No such file or directory (2)"
        )
        #expect(
            self.failure(certificate, "/nowhere/key.pem")?.description
                == "/nowhere/key.pem: open: No such file or directory (2)"
        )
        let words = TestCertificate.file("words.pem", "hello\n")
        #expect(self.failure(words, key) == .file(path: words, reason: "holds no certificate in PEM form"))
        #expect(self.failure(certificate, words) == .file(path: words, reason: "holds no private key in PEM form"))
        let other = TestCertificate.other.keyFile
        #expect(
            self.failure(certificate, other)
                == .file(path: other, reason: "is not the key of the certificate in \(certificate)")
        )
        let locked = TestCertificate.file("locked.key", "")
        TestCertificate.openssl("pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:secret")
        #expect(self.failure(certificate, locked)?.description.contains("is encrypted") == true)
        let cut = TestCertificate.file(
            "cut.pem",
            (try? String(contentsOfFile: certificate, encoding: .utf8).prefix(300)).map { "\($0)" } ?? ""
        )
        #expect(self.failure(cut, key) != nil)
    }

    @Test func aReloadTakesTheNewFilesOrKeepsTheOld() throws {
        let moving = TestCertificate(name: "moving")
        let context = try TLSContext(
            server: TLSServerSettings(certificateFile: moving.certificateFile, keyFile: moving.keyFile)
        )
        let before = context.handle
        try context.reload()
        #expect(context.handle !== before)
        let reloaded = context.handle
        _ = TestCertificate.file("moving.key", "broken")
        #expect(throws: TLSError.file(path: moving.keyFile, reason: "holds no private key in PEM form")) {
            try context.reload()
        }
        #expect(context.handle === reloaded)
        #expect(context.certificateEnd != nil)
    }

    @Test func reloadsWhileSessionsAreMadeDisturbNobody() async throws {
        let context = try TestTransport.serverContext.get()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let transport = NullTransport()
                    for _ in 0..<200 { #expect(TLSEngine(context, transport: transport) != nil) }
                }
            }
            for _ in 0..<20 { try context.reload() }
            try await group.waitForAll()
        }
    }

    @Test func aClientThatTrustsAFileNeedsTheFile() {
        #expect(throws: TLSError.self) {
            try TLSContext(client: TLSClientSettings(trust: .file("/nowhere/ca.pem")))
        }
    }

    @Test(
        arguments: [
            ([8, 104, 116, 116, 112, 47, 49, 46, 49], 1..<9),
            ([2, 104, 50, 8, 104, 116, 116, 112, 47, 49, 46, 49], 4..<12),
            ([2, 104, 50], nil), ([], nil), ([9, 104, 116, 116, 112, 47, 49, 46, 49], nil), ([0, 0, 0], nil),
        ] as [([UInt8], Range<Int>?)]
    )
    func protocolsAreFoundWhole(list: [UInt8], range: Range<Int>?) {
        let found = list.withUnsafeBufferPointer { TLSProtocolList.find(TLSProtocolList.http11, in: $0) }
        #expect(found == range)
        #expect(TLSProtocolList.encode(["h2", "http/1.1"]) == [2, 104, 50, 8, 104, 116, 116, 112, 47, 49, 46, 49])
    }
}

/// Never used: sessions that do nothing.
private final class NullTransport: TLSTransport {
    func pull(into buffer: UnsafeMutableRawBufferPointer) -> Int? { nil }
    func push(_ bytes: UnsafeRawBufferPointer) {}
}
