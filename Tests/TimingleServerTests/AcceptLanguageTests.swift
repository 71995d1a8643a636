import Testing
import TimingleCore
@testable import TimingleServer

struct AcceptLanguageTests {
    @Test(arguments: [
        ("ko", Language.korean as Language?), ("en", .english), ("en-US,en;q=0.9,ko;q=0.8", .english),
        ("ko-KR, en;q=0.9", .korean), ("fr, en;q=0.3, ko;q=0.7", .korean), ("fr", nil), ("*", nil), ("", nil),
        ("en;q=0", nil), ("en;q=0, ko;q=0.001", .korean), ("EN-gb", .english), ("en ; q=0.2 , ko ; q=0.1", .english),
        ("en;q=1.000,ko", .english), ("ko;q=bad,en;q=0.5", .korean), (";;;,,,=", nil),
        ("en;level=1;q=0.4,ko;q=0.5", .korean),
    ])
    func theGreatestWeightWins(text: String, language: Language?) {
        #expect(AcceptLanguage.preferred(text) == language)
    }

    @Test func noFieldMeansNoPreference() {
        #expect(AcceptLanguage.preferred(nil) == nil)
        #expect(AcceptLanguage.preferred(String(repeating: "fr,", count: 100) + "en") == nil)
    }
}
