import Testing
import TimingleTestSupport

@testable import TimingleCore

/// Each rule of RFC 8725 that applies, and what attackers try besides.
struct TokenIssuerTests {
    private let key: JSONWebKey
    private let issuer: TokenIssuer
    private let now = Timestamp(milliseconds: 1_768_471_200_000)
    private let nowSeconds: Int64 = 1_768_471_200
    private let user: User

    init() throws {
        self.key = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))
        self.issuer = TokenIssuer(current: self.key)
        self.user = User(
            id: UserID(rawValue: 42),
            phone: "+821012345678",
            role: .business,
            createdAt: self.now,
            updatedAt: self.now
        )
    }

    private func claims(_ change: [String: String?] = [:], extra: String = "") -> String {
        var members: [(String, String?)] = [
            ("iss", #""timingle""#), ("aud", #""timingle-api""#), ("sub", #""42""#), ("user_id", "42"),
            ("phone", #""+821012345678""#), ("role", #""USER""#), ("iat", "\(self.nowSeconds)"),
            ("nbf", "\(self.nowSeconds)"), ("exp", "\(self.nowSeconds + 900)"),
        ]
        for index in members.indices {
            if let value = change[members[index].0] { members[index].1 = value }
        }
        let text = members.compactMap { name, value in value.map { "\"\(name)\":\($0)" } }
        return "{" + text.joined(separator: ",") + extra + "}"
    }

    private func header(_ alg: String = #""HS256""#, kid: String? = nil, typ: String? = nil, extra: String = "")
        -> String
    {
        #"{"alg":\#(alg),"kid":\#(kid ?? "\"\(self.key.id)\""),"typ":\#(typ ?? #""at+jwt""#)\#(extra)}"#
    }

    private func token(header: String? = nil, payload: String? = nil, key: JSONWebKey? = nil) -> String {
        let input =
            Base64URL.encode(Array((header ?? self.header()).utf8)) + "."
            + Base64URL.encode(Array((payload ?? self.claims()).utf8))
        return input + "." + Base64URL.encode((key ?? self.key).signature(over: Array(input.utf8)))
    }

    private func refusal(_ token: String, at now: Timestamp? = nil) -> JSONWebTokenError? {
        do {
            _ = try self.issuer.verify(token, now: now ?? self.now)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsIssuedIsReadBack() throws {
        let claims = try self.issuer.verify(self.issuer.issue(for: self.user, now: self.now), now: self.now)
        #expect(claims.userID == self.user.id)
        #expect(claims.phone == self.user.phone)
        #expect(claims.role == .business)
        #expect(claims.expiresAt - claims.issuedAt == 900)
        #expect(self.refusal(self.token()) == nil, "the hand-made token of these tests is good by itself")
    }

    @Test func twoTokensOfOneSecondDiffer() {
        #expect(self.issuer.issue(for: self.user, now: self.now) != self.issuer.issue(for: self.user, now: self.now))
    }

    // MARK: RFC 8725 section 3.1 and 2.1: algorithms

    @Test(arguments: ["none", "None", "NONE", "nOnE", "", "HS384", "RS256", "ES256", "hs256", "HS256 "])
    func algorithmsOtherThanTheKeysAreRefused(algorithm: String) {
        #expect(self.refusal(self.token(header: self.header("\"\(algorithm)\""))) == .algorithmMismatch)
    }

    @Test func algNoneWithoutSignatureIsRefused() {
        let input =
            Base64URL.encode(Array(self.header(#""none""#).utf8)) + "." + Base64URL.encode(Array(self.claims().utf8))
        #expect(self.refusal(input + ".") == .algorithmMismatch)
        #expect(self.refusal(input) == .malformed)
    }

    @Test(arguments: ["null", "1", #"["HS256"]"#, #"{"a":1}"#, "true"])
    func anAlgorithmThatIsNotTextIsRefused(json: String) {
        #expect(self.refusal(self.token(header: self.header(json))) == .header("alg"))
    }

    // MARK: 3.3: all cryptographic operations are validated

    @Test func anEmptyOrForeignSignatureIsRefused() throws {
        let good = self.token()
        let input = good[..<(try #require(good.lastIndex(of: ".")))]
        #expect(self.refusal(input + ".") == .signatureMismatch)
        let foreign = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 32))
        #expect(self.refusal(self.token(key: foreign)) == .signatureMismatch)
        #expect(self.refusal(good + "A") == .signatureMismatch)
        #expect(self.refusal(good + ".") == .malformed)
        #expect(self.refusal(good + "=") == .malformed)
        #expect(self.refusal(" " + good) == .malformed)
    }

    // MARK: 3.5: keys have enough entropy

    @Test func weakKeysAreRefused() {
        for secret in ["", "short", String(repeating: "x", count: 31), String(repeating: "x", count: 64)] {
            let error = #expect(throws: JSONWebTokenError.self) { try JSONWebKey.hs256(secret: Array(secret.utf8)) }
            guard case .weakKey? = error else {
                Issue.record("\(secret) gave \(String(describing: error))")
                continue
            }
        }
    }

    // MARK: 3.8: issuer and subject

    @Test(arguments: [
        "null", #""Timingle""#, #""evil""#, #"["timingle"]"#, "1", #""""#,
    ])
    func aForeignIssuerIsRefused(json: String) {
        #expect(self.refusal(self.token(payload: self.claims(["iss": json]))) == .claim("iss"))
    }

    @Test(arguments: ["42", #""43""#, #""042""#, #"" 42""#, "null", #""""#])
    func aSubjectThatIsNotTheUserIsRefused(json: String) {
        #expect(self.refusal(self.token(payload: self.claims(["sub": json]))) == .claim("sub"))
    }

    @Test(arguments: ["0", "-1", #""42""#, "42.5", "1e400", "9223372036854775808", "null", "[42]"])
    func aUserIDThatIsNoPositiveIntegerIsRefused(json: String) {
        let error = self.refusal(self.token(payload: self.claims(["user_id": json])))
        #expect(error == .claim("user_id") || error == .malformed)
    }

    // MARK: 3.9: audience

    @Test(arguments: ["null", #""other""#, "[]", #"["other",1]"#, "1"])
    func aForeignAudienceIsRefused(json: String) {
        #expect(self.refusal(self.token(payload: self.claims(["aud": json]))) == .claim("aud"))
    }

    @Test func oneOfSeveralAudiencesIsEnough() {
        #expect(self.refusal(self.token(payload: self.claims(["aud": #"["other","timingle-api"]"#]))) == nil)
    }

    // MARK: 3.10: claims received are not trusted (kid, jku, x5u)

    @Test(arguments: [
        "../../../dev/null", "/etc/passwd", "' OR 1=1 --", "http://evil.example/key", "", "\\u0000",
    ])
    func aKeyIDIsOnlyLookedUp(kid: String) {
        #expect(self.refusal(self.token(header: self.header(kid: "\"\(kid)\""))) == .unknownKey)
    }

    @Test(arguments: ["null", "1", "[]"])
    func aKeyIDThatIsNotTextIsRefused(json: String) {
        #expect(self.refusal(self.token(header: self.header(kid: json))) == .header("kid"))
    }

    @Test(arguments: ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "cty"])
    func headersThatBringTheirOwnRulesAreRefused(name: String) {
        let extra = #","\#(name)":["x"]"#
        #expect(self.refusal(self.token(header: self.header(extra: extra))) == .header(name))
    }

    // MARK: 3.11: explicit typing

    @Test(arguments: [#""JWT""#, #""jwt""#, #""refresh+jwt""#, "null", "1", #""at+jwt2""#])
    func aTokenOfAnotherTypeIsRefused(json: String) {
        #expect(self.refusal(self.token(header: self.header(typ: json))) == .header("typ"))
    }

    // MARK: 3.12 and time

    @Test(arguments: [
        "1e308", "-1e308", "1e18", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "253402300800",
        "-1", #""1768472100""#, "1768472100.5", "1768472100.0", "1.7684721e9", "null", "true", "[1768472100]", "{}",
    ])
    func timesAreIntegersWithinReason(json: String) {
        for name in ["exp", "iat", "nbf"] {
            let error = self.refusal(self.token(payload: self.claims([name: json])))
            #expect(error == .claim(name), "\(name): \(json)")
        }
    }

    @Test(arguments: ["iss", "aud", "sub", "user_id", "phone", "role", "iat", "nbf", "exp"])
    func noClaimMayBeMissing(name: String) {
        #expect(self.refusal(self.token(payload: self.claims([name: String?.none]))) == .claim(name))
    }

    @Test func expiryHasALeewayOfSecondsOnly() {
        let token = self.token()
        #expect(self.refusal(token, at: self.now + .seconds(904)) == nil)
        #expect(self.refusal(token, at: self.now + .seconds(905)) == .expired)
        #expect(self.refusal(token, at: self.now + .seconds(-5)) == nil)
        #expect(self.refusal(token, at: self.now + .seconds(-6)) == .notYetValid)
    }

    @Test func aLifeLongerThanAWeekIsRefused() {
        let exp = "\(self.nowSeconds + 7 * 86_400 + 1)"
        #expect(self.refusal(self.token(payload: self.claims(["exp": exp]))) == .claim("exp"))
        let reversed = "\(self.nowSeconds)"
        #expect(self.refusal(self.token(payload: self.claims(["exp": reversed]))) == .claim("exp"))
    }

    // MARK: Texts that are not what they seem

    @Test func duplicateNamesAreRefused() {
        #expect(self.refusal(self.token(payload: self.claims(extra: #","exp":9999999999"#))) == .malformed)
        #expect(self.refusal(self.token(payload: self.claims(extra: #","\u0065xp":9999999999"#))) == .malformed)
        #expect(self.refusal(self.token(header: self.header(extra: #","alg":"none""#))) == .malformed)
    }

    @Test(arguments: [5, 600])
    func aDepthBombIsRefused(depth: Int) {
        let bomb = #","x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(self.refusal(self.token(payload: self.claims(extra: bomb))) == .malformed)
    }

    @Test func anOversizedTokenIsNotLookedAt() {
        let pad = #","x":""# + String(repeating: "a", count: 3_500) + "\""
        #expect(self.refusal(self.token(payload: self.claims(extra: pad))) == .tooLong)
        #expect(self.refusal(String(repeating: "a.", count: 1_000_000)) == .tooLong)
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c.d", "é.é.é", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"])
    func rubbishIsRefused(text: String) {
        #expect(self.refusal(text) != nil)
    }

    @Test(arguments: ["[]", "null", "1", #""x""#, "{", "{} {}", "{\"a\":\"\\ud800\"}", "\u{feff}{}"])
    func aPayloadThatIsNoObjectIsRefused(json: String) {
        #expect(self.refusal(self.token(payload: json)) == .malformed)
    }

    // MARK: Rotation

    @Test func twoKeysAreAcceptedAndTheThirdIsNot() throws {
        let next = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 48))
        let last = try JSONWebKey.hs256(secret: SecureRandom.bytes(count: 48))
        let token = self.issuer.issue(for: self.user, now: self.now)
        let rotated = TokenIssuer(current: next, previous: self.key)
        _ = try rotated.verify(token, now: self.now)
        let rotatedTwice = TokenIssuer(current: last, previous: next)
        #expect(throws: JSONWebTokenError.unknownKey) { try rotatedTwice.verify(token, now: self.now) }
    }

    // MARK: Cache

    @Test func theCacheForgetsAtExpiry() throws {
        let cache = VerifiedTokenCache(issuer: self.issuer, capacity: 100)
        let token = self.issuer.issue(for: self.user, now: self.now)
        for _ in 0..<3 { #expect(try cache.verify(token, now: self.now).userID == self.user.id) }
        let late = self.now + .seconds(1_000)
        for _ in 0..<2 { #expect(throws: JSONWebTokenError.expired) { try cache.verify(token, now: late) } }
        #expect(throws: JSONWebTokenError.malformed) { try cache.verify("rubbish", now: self.now) }
    }
}
