/// What came of asking for a code.
package enum OTPBeginOutcome: Sendable, Equatable {
    case begun
    /// A limit per phone or per address was reached.
    case limited(retryAfterSeconds: Int64)
}

/// What came of presenting a code.
package enum OTPCheckOutcome: Sendable, Equatable {
    /// Right; carries the phone.
    ///
    /// The verification cannot be used again.
    case verified(phone: String)
    case wrong(attemptsLeft: Int)
    /// Unknown, used or too old.
    case expired
    /// Too many wrong attempts; the verification is gone.
    case exhausted
}

/// One-time codes: hashed, five minutes, five attempts, one active per phone.
package protocol OTPStore: Sendable {
    func begin(
        verificationID: Identifier128,
        phone: String,
        codeHash: [UInt8],
        ipAddress: String,
        now: Timestamp
    ) async throws(StoreError) -> OTPBeginOutcome
    func check(verificationID: Identifier128, codeHash: [UInt8], now: Timestamp) async throws(StoreError)
        -> OTPCheckOutcome
    /// The phone that this very code proved at most ten minutes ago; nil otherwise.
    func provenPhone(verificationID: Identifier128, codeHash: [UInt8], now: Timestamp) async throws(StoreError)
        -> String?
}

/// Sends a code to a phone.
package protocol SMSSender: Sendable {
    /// Throws when the provider refused or is away.
    func send(code: String, to phone: String, language: Language) async throws
}
