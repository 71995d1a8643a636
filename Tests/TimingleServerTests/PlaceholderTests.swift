import Testing
@testable import TimingleServer
