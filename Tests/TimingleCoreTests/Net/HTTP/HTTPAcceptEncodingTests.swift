import Testing
import TimingleTestSupport

@testable import TimingleNet

struct HTTPAcceptEncodingTests {
    @Test(arguments: [
        "gzip", "GZIP", "x-gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "*;q=0.5",
        "gzip;q=0.001", "gzip;q=1.000", "gzip ; q=0.5", "identity;q=0.5, gzip;q=0.5", "identity;q=0, gzip",
        "gzip;Q=1", ",, gzip ,", "identity;q=0, *", "compress, gzip", "gzip, identity;q=0.9", "gzip, gzip;q=0",
        "deflate\t,\tgzip",
    ])
    func gzipIsSent(value: String) { #expect(HTTPAcceptEncoding(value).prefersGzip) }

    @Test(arguments: [
        nil, "", "identity", "deflate", "br", "gzip;q=0", "gzip;q=0.000", "gzip;q=0, *", "*;q=0",
        "identity, gzip;q=0.5",
        "identity;q=0.6, *;q=0.5", "gzipx", "xgzip", "gzip q=1", "gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234",
        "gzip;q=-1", "gzip;q=.5", "gzip;q=0,5;q", "gzip;x=1", "gzip;q=1;q=1", "gzip;q=1e0", "gzip;q =1", "gzip;q= 1",
        "\"gzip\"", "gzip;q=00.5", "gzip;", "gz ip", "identity;q=0",
    ])
    func identityIsSent(value: String?) { #expect(!HTTPAcceptEncoding(value).prefersGzip) }

    @Test func anythingIsReadWithoutATrap() {
        var generator = SeededGenerator(seed: 12)
        let pieces = [
            "gzip", "identity", "*", ";", "q", "=", "0", "1", ".", "5", ",", " ", "\t", "é", "x-gzip", "9", "\u{0}",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let value = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            let prefersGzip = HTTPAcceptEncoding(value).prefersGzip
            #expect(!prefersGzip || value.contains("gzip") || value.contains("*"), "\(value)")
        }
    }
}
