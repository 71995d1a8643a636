/// What an access token says (`contract.md` 4.10).
///
/// Immutable.
package struct AccessTokenClaims: Sendable, Equatable {
    package let userID: UserID
    package let phone: String
    package let role: UserRole
    /// Unix seconds, as in the token.
    package let issuedAt: Int64
    package let notBefore: Int64
    package let expiresAt: Int64

    static let issuer = "timingle"
    static let audience = "timingle-api"

    /// Year 9999: what is later is not a time but an attempt.
    private static let secondsMax: Int64 = 253_402_300_799
    /// However long an operator lets tokens live, not longer than this.
    static let lifetimeSecondsMax: Int64 = 7 * 24 * 3_600

    init(userID: UserID, phone: String, role: UserRole, issuedAt: Int64, expiresAt: Int64) {
        self.userID = userID
        self.phone = phone
        self.role = role
        self.issuedAt = issuedAt
        self.notBefore = issuedAt
        self.expiresAt = expiresAt
    }

    /// Checks each claim; `now` and `leeway` are in seconds.
    init(_ claims: [String: JSONValue], now: Int64, leeway: Int64) throws(JSONWebTokenError) {
        guard claims["iss"] == .string(Self.issuer) else { throw .claim("iss") }
        guard Self.audiences(claims["aud"]).contains(Self.audience) else { throw .claim("aud") }
        guard case .integer(let id)? = claims["user_id"], id > 0 else { throw .claim("user_id") }
        guard claims["sub"] == .string(String(id)) else { throw .claim("sub") }
        guard case .string(let phone)? = claims["phone"], phone.utf8.count <= 64 else { throw .claim("phone") }
        guard case .string(let roleText)? = claims["role"], let role = UserRole(rawValue: roleText) else {
            throw .claim("role")
        }
        let issuedAt = try Self.seconds(claims, "iat")
        let notBefore = try Self.seconds(claims, "nbf")
        let expiresAt = try Self.seconds(claims, "exp")
        guard expiresAt > issuedAt, expiresAt - issuedAt <= Self.lifetimeSecondsMax else { throw .claim("exp") }
        guard notBefore <= now + leeway, issuedAt <= now + leeway else { throw .notYetValid }
        guard now < expiresAt + leeway else { throw .expired }
        self.userID = UserID(rawValue: id)
        self.phone = phone
        self.role = role
        self.issuedAt = issuedAt
        self.notBefore = notBefore
        self.expiresAt = expiresAt
    }

    func payload(tokenID: String) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("iss", Self.issuer)
            writer.field("aud", Self.audience)
            writer.field("sub", String(self.userID.rawValue))
            writer.name("user_id")
            writer.integer(self.userID.rawValue)
            writer.field("phone", self.phone)
            writer.field("role", self.role.rawValue)
            writer.name("iat")
            writer.integer(self.issuedAt)
            writer.name("nbf")
            writer.integer(self.notBefore)
            writer.name("exp")
            writer.integer(self.expiresAt)
            writer.field("jti", tokenID)
        }
    }

    /// An integer between 1970 and 9999: no fraction, no exponent, no text.
    ///
    /// Nothing that is added to it can overflow.
    private static func seconds(_ claims: [String: JSONValue], _ name: String) throws(JSONWebTokenError) -> Int64 {
        guard case .integer(let value)? = claims[name], (0...self.secondsMax).contains(value) else {
            throw .claim(name)
        }
        return value
    }

    private static func audiences(_ claim: JSONValue?) -> [String] {
        switch claim {
        case .string(let audience)?: [audience]
        case .array(let values)?:
            values.compactMap { if case .string(let audience) = $0 { audience } else { nil } }
        default: []
        }
    }
}
