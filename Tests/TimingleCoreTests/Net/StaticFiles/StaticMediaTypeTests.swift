import Testing

@testable import TimingleNet

struct StaticMediaTypeTests {
    private static let theEndingDecidesTable: [(String, String)] = [
        ("index.html", "text/html; charset=utf-8"), ("APP.JS", "text/javascript; charset=utf-8"),
        ("a.b.css", "text/css; charset=utf-8"), ("app.3f2a9c01.js", "text/javascript; charset=utf-8"),
        ("app.js.gz", "application/gzip"), ("app.js.map", "application/json"), ("logo.svg", "image/svg+xml"),
        ("font.woff2", "font/woff2"), ("README", "application/octet-stream"), ("a.", "application/octet-stream"),
        (".js", "application/octet-stream"), ("a.exe", "application/octet-stream"), ("", "application/octet-stream"),
        ("a.jsx", "application/octet-stream"), ("한.html", "text/html; charset=utf-8"),
    ]

    @Test(arguments: Self.theEndingDecidesTable)
    func theEndingDecides(name: String, type: String) {
        #expect(StaticMediaType.of(name) == type)
    }
}
