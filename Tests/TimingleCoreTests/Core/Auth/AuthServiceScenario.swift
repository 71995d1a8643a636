import Testing
import TimingleTestSupport

@testable import TimingleCore

/// What must hold whatever the stores are made of.
enum AuthServiceScenario: String, CaseIterable, Sendable {
    case aCodeMakesTheAccountAndThenSignsIn
    case wrongAndOldCodesAreToldApart
    case codesAreLimitedPerPhone
    case strictRegistrationNeedsTheProofOfThisPhone
    case strictLoginNeedsAProofNotOlderThanTenMinutes
    case compatRegistersAndSignsInByTheNumber
    case compatNeverOpensWhatIsWorthMore
    case suspendedUsersAreOut
    case refreshingRotatesLazily
    case aStolenTokenEndsItsFamily
    case logoutEndsOneOrAllFamilies
    case theProfileChangesFieldByField
    case accessTokensAreChecked

    func run(_ world: AuthWorld) async throws {
        switch self {
        case .aCodeMakesTheAccountAndThenSignsIn: try await checkACodeMakesTheAccountAndThenSignsIn(world)
        case .wrongAndOldCodesAreToldApart: try await checkWrongAndOldCodesAreToldApart(world)
        case .codesAreLimitedPerPhone: try await checkCodesAreLimitedPerPhone(world)
        case .strictRegistrationNeedsTheProofOfThisPhone:
            try await checkStrictRegistrationNeedsTheProofOfThisPhone(world)
        case .strictLoginNeedsAProofNotOlderThanTenMinutes: try await checkStrictLoginNeedsAProof(world)
        case .compatRegistersAndSignsInByTheNumber: try await checkCompatRegistersAndSignsInByTheNumber(world)
        case .compatNeverOpensWhatIsWorthMore: try await checkCompatNeverOpensWhatIsWorthMore(world)
        case .suspendedUsersAreOut: try await checkSuspendedUsersAreOut(world)
        case .refreshingRotatesLazily: try await checkRefreshingRotatesLazily(world)
        case .aStolenTokenEndsItsFamily: try await checkAStolenTokenEndsItsFamily(world)
        case .logoutEndsOneOrAllFamilies: try await checkLogoutEndsOneOrAllFamilies(world)
        case .theProfileChangesFieldByField: try await checkTheProfileChangesFieldByField(world)
        case .accessTokensAreChecked: try await checkAccessTokensAreChecked(world)
        }
    }
}

// MARK: Codes

private func checkACodeMakesTheAccountAndThenSignsIn(_ world: AuthWorld) async throws {
    let service = world.service()
    let digits = world.newDigits()
    let proof = try await world.code(service, "010-\(digits)")
    #expect(proof.code.utf8.count == 6)
    let profile = RegistrationProfile(name: "  지민 ", timezone: "Asia/Seoul", language: "en")
    let first = try await service.verifyCode(
        verificationID: proof.id,
        code: proof.code,
        ipAddress: world.ip,
        profile: profile
    )
    #expect(first.isNewUser)
    #expect(first.user.phone == "+8210\(digits)")
    #expect(first.user.name == "지민")
    #expect(first.user.timezone == "Asia/Seoul")
    #expect(first.user.phoneVerifiedAt == world.clock.now())
    #expect(first.tokens.expiresInSeconds == 900)
    let known = try await service.authenticate(accessToken: first.tokens.accessToken)
    #expect(known.id == first.user.id)

    world.clock.advance(by: .seconds(120))
    let again = try await world.code(service, "+82 10 \(digits)")
    let other = RegistrationProfile(name: "somebody else")
    let second = try await service.verifyCode(
        verificationID: again.id,
        code: again.code,
        ipAddress: world.ip,
        profile: other
    )
    #expect(!second.isNewUser)
    #expect(second.user.id == first.user.id)
    #expect(second.user.name == "지민")
    #expect(second.user.phoneVerifiedAt == world.clock.now())
    #expect(second.tokens.refreshToken != first.tokens.refreshToken)
}

private func checkWrongAndOldCodesAreToldApart(_ world: AuthWorld) async throws {
    let service = world.service()
    let proof = try await world.code(service, "010" + world.newDigits())
    let wrong = proof.code == "000000" ? "000001" : "000000"
    func verify(_ id: String, _ code: String) async -> ServiceError? {
        await refusal {
            try await service.verifyCode(
                verificationID: id,
                code: code,
                ipAddress: world.ip,
                profile: RegistrationProfile()
            )
        }
    }
    for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345"] {
        let error = await verify(proof.id, bad)
        #expect(error?.kind == .invalid && error?.field == "code", "\(bad)")
    }
    for _ in 1...4 {
        let error = await verify(proof.id, wrong)
        #expect(error?.kind == .badRequest && error?.code == "AUTH_PHONE_VERIFICATION_FAILED")
    }
    let last = await verify(proof.id, wrong)
    #expect(last?.code == "RATE_LIMIT_EXCEEDED")
    for id in [proof.id, "rubbish", "00000000-0000-7000-8000-000000000000"] {
        let error = await verify(id, proof.code)
        #expect(error?.kind == .badRequest && error?.code == "AUTH_PHONE_CODE_EXPIRED", "\(id)")
    }
    let late = try await world.code(service, "010" + world.newDigits())
    world.clock.advance(by: .seconds(300))
    let expired = await verify(late.id, late.code)
    #expect(expired?.code == "AUTH_PHONE_CODE_EXPIRED")
}

private func checkCodesAreLimitedPerPhone(_ world: AuthWorld) async throws {
    let service = world.service()
    let phone = "010" + world.newDigits()
    _ = try await world.code(service, phone)
    world.clock.advance(by: .seconds(20))
    let error = await refusal {
        try await service.sendCode(phone: phone, ipAddress: world.ip, language: .english)
    }
    #expect(error?.kind == .rateLimited(retryAfterSeconds: 40))
    for bad in ["", "oauth_123", "12", "+0101234567"] {
        let error = await refusal {
            try await service.sendCode(phone: bad, ipAddress: world.ip, language: .english)
        }
        #expect(error?.kind == .invalid && error?.field == "phone")
    }
}

// MARK: Register and log in

private func checkStrictRegistrationNeedsTheProofOfThisPhone(_ world: AuthWorld) async throws {
    let service = world.service(.strict)
    let phone = "010" + world.newDigits()
    func register(_ phone: String, _ proof: (id: String, code: String)?, name: String = "수아") async throws -> AuthResult
    {
        try await service.register(
            phone: phone,
            name: name,
            verification: proof,
            profile: RegistrationProfile(),
            ipAddress: world.ip
        )
    }
    let missing = await refusal { try await register(phone, nil) }
    #expect(missing?.kind == .invalid && missing?.field == "verification_id")
    let foreign = try await world.code(service, "010" + world.newDigits())
    let mismatch = await refusal { try await register(phone, foreign) }
    #expect(mismatch?.code == "AUTH_PHONE_VERIFICATION_FAILED")
    let proof = try await world.code(service, phone)
    let unnamed = await refusal { try await register(phone, proof, name: " \u{3000} ") }
    #expect(unnamed?.kind == .invalid && unnamed?.field == "name")
    let created = try await register(phone, proof)
    #expect(created.isNewUser)
    #expect(created.user.phoneVerifiedAt != nil)
    let twice = await refusal { try await register(phone, proof) }
    #expect(twice?.kind == .conflict && twice?.code == "USER_ALREADY_EXISTS")
    let login = try await service.login(phone: phone, verification: proof, ipAddress: world.ip)
    #expect(login.user.id == created.user.id && !login.isNewUser)
}

private func checkStrictLoginNeedsAProof(_ world: AuthWorld) async throws {
    let service = world.service(.strict)
    let digits = world.newDigits()
    let missing = await refusal {
        try await service.login(phone: "010" + digits, verification: nil, ipAddress: world.ip)
    }
    #expect(missing?.field == "verification_id")
    let proof = try await world.code(service, "010" + digits)
    let unknown = await refusal {
        try await service.login(phone: "010" + digits, verification: proof, ipAddress: world.ip)
    }
    #expect(unknown?.kind == .unauthenticated)
    world.clock.advance(by: .seconds(599))
    _ = try await service.register(
        phone: "010" + digits,
        name: "하준",
        verification: proof,
        profile: RegistrationProfile(),
        ipAddress: world.ip
    )
    world.clock.advance(by: .seconds(1))
    let late = await refusal {
        try await service.login(phone: "010" + digits, verification: proof, ipAddress: world.ip)
    }
    #expect(late?.code == "AUTH_PHONE_CODE_EXPIRED")
}

private func checkCompatRegistersAndSignsInByTheNumber(_ world: AuthWorld) async throws {
    let service = world.service(.compat)
    let digits = world.newDigits()
    let unknown = await refusal {
        try await service.login(phone: "010" + digits, verification: nil, ipAddress: world.ip)
    }
    #expect(unknown?.kind == .unauthenticated)
    let first = try await world.compatUser(service, phone: "010" + digits)
    #expect(first.isNewUser && first.user.phoneVerifiedAt == nil)
    let again = try await world.compatUser(service, phone: "+8210" + digits, name: "another")
    #expect(!again.isNewUser && again.user.id == first.user.id && again.user.name == "민수")
    let login = try await service.login(phone: "010 \(digits)", verification: nil, ipAddress: world.ip)
    #expect(login.user.id == first.user.id)
    #expect(world.audit.kinds == [.registered, .compatSignIn, .compatSignIn])
    for _ in 0..<10 { _ = await refusal { try await world.compatUser(service, phone: "010" + digits) } }
    let flood = await refusal { try await world.compatUser(service, phone: "010" + digits) }
    #expect(flood?.code == "RATE_LIMIT_EXCEEDED")
}

private func checkCompatNeverOpensWhatIsWorthMore(_ world: AuthWorld) async throws {
    let service = world.service(.compat)
    func refused(_ phone: String) async -> Bool {
        let byRegister = await refusal { try await world.compatUser(service, phone: phone) }
        let byLogin = await refusal {
            try await service.login(phone: phone, verification: nil, ipAddress: world.ip)
        }
        return [byRegister, byLogin].allSatisfy { $0?.kind == .forbidden && $0?.code == "AUTH_VERIFICATION_REQUIRED" }
    }
    for role in [UserRole.admin, .superAdmin] {
        let user = try await world.compatUser(service, phone: "010" + world.newDigits()).user
        try await world.administer(user.id, role, .active)
        #expect(await refused(user.phone), "\(role)")
    }
    let verified = try await world.verifiedUser(service).user
    #expect(await refused(verified.phone))
    #expect(world.audit.kinds.filter { $0 == .compatSignInRefused }.count == 6)
    let proof = try await world.code(service, verified.phone)
    let login = try await service.login(phone: verified.phone, verification: proof, ipAddress: world.ip)
    #expect(login.user.id == verified.id, "the code opens it")
}

private func checkSuspendedUsersAreOut(_ world: AuthWorld) async throws {
    for status in [UserStatus.suspended, .deleted] {
        let service = world.service(.compat)
        let result = try await world.compatUser(service, phone: "010" + world.newDigits())
        _ = try await service.authenticate(accessToken: result.tokens.accessToken)
        try await world.administer(result.user.id, .user, status)
        world.clock.advance(by: .seconds(5))
        let access = await refusal { try await service.authenticate(accessToken: result.tokens.accessToken) }
        #expect(access?.kind == .unauthenticated)
        let refresh = await refusal { try await service.refresh(refreshToken: result.tokens.refreshToken) }
        #expect(refresh?.kind == .unauthenticated)
        let register = await refusal { try await world.compatUser(service, phone: result.user.phone) }
        #expect(register?.kind == .forbidden)
        let profile = await refusal { try await service.publicProfile(userID: result.user.id) }
        #expect(profile?.kind == .notFound)
    }
}

// MARK: Tokens

private func checkRefreshingRotatesLazily(_ world: AuthWorld) async throws {
    let service = world.service()
    let result = try await world.verifiedUser(service, name: "윤서")
    let parent = result.tokens.refreshToken
    for _ in 0..<5 {
        let refreshed = try await service.refresh(refreshToken: parent)
        #expect(refreshed.user.id == result.user.id && !refreshed.isNewUser)
        #expect(refreshed.tokens.refreshToken != parent)
        _ = try await service.authenticate(accessToken: refreshed.tokens.accessToken)
        world.clock.advance(by: .seconds(86_400))
    }
    let child = try await service.refresh(refreshToken: parent).tokens.refreshToken
    let grandchild = try await service.refresh(refreshToken: child).tokens.refreshToken
    _ = try await service.refresh(refreshToken: grandchild)
    for bad in ["", "x", parent + "A", String(parent.dropLast()), String(repeating: "A", count: 100_000), "é" + parent]
    {
        let error = await refusal { try await service.refresh(refreshToken: bad) }
        #expect(error?.kind == .unauthenticated && error?.code == "AUTH_TOKEN_INVALID")
    }
    world.clock.advance(by: .seconds(7 * 86_400))
    let expired = await refusal { try await service.refresh(refreshToken: grandchild) }
    #expect(expired?.kind == .unauthenticated)
}

private func checkAStolenTokenEndsItsFamily(_ world: AuthWorld) async throws {
    let service = world.service()
    let stolen = try await world.verifiedUser(service).tokens.refreshToken
    let child = try await service.refresh(refreshToken: stolen).tokens.refreshToken
    let grandchild = try await service.refresh(refreshToken: child).tokens.refreshToken
    let theft = await refusal { try await service.refresh(refreshToken: stolen) }
    #expect(theft?.code == "AUTH_TOKEN_INVALID")
    #expect(world.audit.kinds.last == .refreshTokenReused)
    for token in [child, grandchild] {
        let error = await refusal { try await service.refresh(refreshToken: token) }
        #expect(error?.kind == .unauthenticated)
    }
}

private func checkLogoutEndsOneOrAllFamilies(_ world: AuthWorld) async throws {
    let service = world.service(.compat)
    let phone = "010" + world.newDigits()
    var logins: [AuthResult] = []
    for _ in 0..<3 { logins.append(try await world.compatUser(service, phone: phone)) }
    let user = logins[0].user.id
    try await service.logout(userID: user, refreshToken: logins[0].tokens.refreshToken)
    try await service.logout(userID: user, refreshToken: "rubbish")
    let first = await refusal { try await service.refresh(refreshToken: logins[0].tokens.refreshToken) }
    #expect(first?.kind == .unauthenticated)
    _ = try await service.refresh(refreshToken: logins[1].tokens.refreshToken)
    try await service.logout(userID: user, refreshToken: nil)
    for login in logins {
        let error = await refusal { try await service.refresh(refreshToken: login.tokens.refreshToken) }
        #expect(error?.kind == .unauthenticated)
        // D22: the collections go on with the access token after the logout.
        _ = try await service.authenticate(accessToken: login.tokens.accessToken)
    }
}

private func checkAccessTokensAreChecked(_ world: AuthWorld) async throws {
    let service = world.service()
    let result = try await world.verifiedUser(service)
    for bad in ["", "rubbish", result.tokens.refreshToken, result.tokens.accessToken + "A"] {
        let error = await refusal { try await service.authenticate(accessToken: bad) }
        #expect(error?.kind == .unauthenticated && error?.code == "AUTH_TOKEN_INVALID")
    }
    let ghost = User(
        id: UserID(rawValue: .max),
        phone: "+8210",
        createdAt: world.clock.now(),
        updatedAt: world.clock.now()
    )
    let token = world.issuer.issue(for: ghost, now: world.clock.now())
    let unknown = await refusal { try await service.authenticate(accessToken: token) }
    #expect(unknown?.code == "AUTH_TOKEN_INVALID")
    world.clock.advance(by: .seconds(1_000))
    let expired = await refusal { try await service.authenticate(accessToken: result.tokens.accessToken) }
    #expect(expired?.kind == .unauthenticated && expired?.code == "AUTH_TOKEN_EXPIRED")
}

// MARK: Profile

private func checkTheProfileChangesFieldByField(_ world: AuthWorld) async throws {
    let service = world.service()
    let id = try await world.verifiedUser(service, name: "서연").user.id
    var patch = UserPatch()
    patch.displayName = .some(" Seo ")
    patch.email = .some("seo@example.com")
    patch.profileImageURL = .some("https://cdn.example.com/a.png")
    patch.region = .some("서울 마포구")
    patch.interests = ["등산", "커피", "등산"]
    patch.timezone = "America/Argentina/Buenos_Aires"
    patch.language = "en-US"
    let full = try await service.updateMe(userID: id, patch: patch)
    #expect(full.name == "서연" && full.displayName == "Seo" && full.email == "seo@example.com")
    #expect(full.interests == ["등산", "커피"] && full.language == "en-US" && full.region == "서울 마포구")
    let read = try await service.me(userID: id)
    #expect(read == full)
    var clearing = UserPatch()
    clearing.displayName = .some(nil)
    clearing.email = .some(nil)
    clearing.interests = []
    let cleared = try await service.updateMe(userID: id, patch: clearing)
    #expect(cleared.displayName == nil && cleared.email == nil && cleared.interests.isEmpty)
    #expect(cleared.region == "서울 마포구")
    let same = try await service.updateMe(userID: id, patch: UserPatch())
    #expect(same.name == "서연")
    let nobody = await refusal { try await service.updateMe(userID: UserID(rawValue: .max), patch: clearing) }
    #expect(nobody?.code == "USER_NOT_FOUND")
}
