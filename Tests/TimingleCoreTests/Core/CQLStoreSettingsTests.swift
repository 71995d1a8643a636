import Testing
import TimingleCQL

@testable import TimingleCore

struct CQLStoreSettingsTests {
    @Test(arguments: [
        ("1", "{'class': 'SimpleStrategy', 'replication_factor': 1}"),
        ("3", "{'class': 'SimpleStrategy', 'replication_factor': 3}"),
        ("seoul:3", "{'class': 'NetworkTopologyStrategy', 'seoul': 3}"),
        ("dc-2:2,DC_1.a:3", "{'class': 'NetworkTopologyStrategy', 'DC_1.a': 3, 'dc-2': 2}"),
    ])
    func replicationBecomesAMap(text: String, map: String) {
        #expect(CQLStoreSettings.Replication(text)?.cql == map)
    }

    @Test(arguments: ["", "0", "10", "-1", "a", "a:0", "a:1,", ",a:1", "a:1,a:2", "a:1:2", "a':1", "a b:1", "३", "1,2"])
    func otherReplicationsAreRefused(text: String) {
        #expect(CQLStoreSettings.Replication(text) == nil)
    }

    @Test(arguments: [
        ("timingle", true), ("t_2", true), ("", false), ("2t", false), ("_t", false), ("Timingle", false),
        ("a b", false), ("t;", false), (String(repeating: "a", count: 48), true),
        (String(repeating: "a", count: 49), false),
    ])
    func keyspacesHavePlainNames(text: String, isName: Bool) {
        #expect(CQLStoreSettings.isKeyspaceName(text) == isName)
    }

    @Test func anOperatorIsToldWhereToLook() {
        func advice(_ code: CQLError.Code, _ message: String = "", _ underlying: String? = nil) -> String? {
            CQLStoreSettings.advice(CQLError(code, message, underlying: underlying))
        }
        #expect(advice(.authentication) == "SCYLLA_USERNAME, SCYLLA_PASSWORD")
        #expect(advice(.tls, "", "certificate not trusted: self-signed certificate") == "SCYLLA_CA_FILE")
        #expect(advice(.tls, "", "certificate not trusted: hostname mismatch") == "SCYLLA_TLS_NAME")
        #expect(advice(.tls, "", "tlsv13 alert certificate required") == "SCYLLA_CERT_FILE, SCYLLA_KEY_FILE")
        #expect(advice(.tls, "", "wrong version number") == "SCYLLA_TLS, SCYLLA_PORT")
        #expect(
            advice(.notConnected, "the node closed the connection before it answered")?.hasPrefix("SCYLLA_TLS") == true
        )
        #expect(advice(.notConnected) == nil && advice(.timeout) == nil)
        let trouble = CQLStoreTrouble(error: CQLError(.authentication, "no"), advice: "SCYLLA_PASSWORD")
        #expect("\(trouble)" == "authentication: no; see SCYLLA_PASSWORD")
    }
}
