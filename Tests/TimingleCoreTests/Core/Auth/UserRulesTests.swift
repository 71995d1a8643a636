import Testing

@testable import TimingleCore

struct UserRulesTests {
    private func field(_ body: () throws(ServiceError) -> String) -> String? {
        do throws(ServiceError) {
            _ = try body()
            return nil
        } catch {
            return error.field
        }
    }

    @Test func namesAreTrimmedAndCountedInCharacters() throws {
        #expect(try UserRules.text("name", "\u{3000} 김 민수\n", max: 100) == "김 민수")
        for good in ["👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "שלום", "❤️", "e\u{301}"] {
            #expect(try UserRules.text("name", good, max: 100) == good)
        }
        let longest = String(repeating: "가", count: 100)
        #expect(try UserRules.text("name", longest, max: 100) == longest)
        for bad in [
            "", "   ", longest + "가", String(repeating: "a", count: 1_000_000), "a\u{0}b", "a\u{202e}b", "a\nb",
            "\u{3164}", "\u{200b}\u{feff}", "\u{2800}",
        ] {
            #expect(self.field { () throws(ServiceError) in try UserRules.text("name", bad, max: 100) } == "name")
        }
    }

    @Test(arguments: ["a@b.co", "first.last+tag@sub.example.com", "한글@예.한국"])
    func emailsPass(text: String) throws {
        #expect(try UserRules.email(text) == text)
    }

    @Test(arguments: ["", "a", "@b.co", "a@b", "a@.co", "a@b.", "a@b..c", "a b@c.de", "a@b@c.de"])
    func otherTextsAreNoEmail(text: String) {
        #expect(self.field { () throws(ServiceError) in try UserRules.email(text) } == "email")
    }

    @Test(arguments: [
        "javascript:alert(1)", "data:image/png;base64,x", "ftp://h/x", "https://", "https:///x", "//h/x",
        "https://h/\"x",
        "https://h/ x",
    ])
    func onlyWebAddressesAreImages(text: String) {
        #expect(self.field { () throws(ServiceError) in try UserRules.imageURL(text) } == "profile_image_url")
    }

    @Test(arguments: ["Asia/Seoul", "UTC", "Etc/GMT+9", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"])
    func timezonesHaveNames(text: String) throws {
        #expect(try UserRules.timezone(text) == text)
    }

    @Test(arguments: [
        "", "/", "Asia/", "../etc/passwd", "Asia/Seoul\n", "asia/seoul", "Mars/Olympus", "+09:00", "a/b/c/d", "아시아/서울",
    ])
    func otherTextsAreNoTimezone(text: String) {
        #expect(self.field { () throws(ServiceError) in try UserRules.timezone(text) } == "timezone")
    }

    @Test(arguments: [
        ("ko", true), ("en-US", true), ("zh-Hant", true), ("k", false), ("korean", false), ("en_US", false),
    ])
    func languagesAreTags(text: String, isTag: Bool) {
        #expect((self.field { () throws(ServiceError) in try UserRules.language(text) } == nil) == isTag)
    }

    @Test func oneBadFieldRefusesThePatch() {
        var patch = UserPatch()
        patch.name = "ok"
        patch.interests = Array(repeating: "x", count: 21)
        let error = #expect(throws: ServiceError.self) { try UserRules.checked(patch) }
        #expect(error?.field == "interests")
    }
}
