import Testing

@testable import TimingleCore

struct MigrationScriptTests {
    @Test func statementsAreCutWherePsqlCuts() {
        let script = """
            -- one; comment
            CREATE INDEX CONCURRENTLY a ON t (x);
            /* two; /* nested; */ still; */ INSERT INTO t VALUES ('it''s; here', E'a\\'; b', "odd;name");
            DO $body$ BEGIN PERFORM 1; PERFORM $q$ ; $q$; END $body$;
            SELECT a$b; ;
            SELECT $1 -- no semicolon at the end
            """
        let statements = MigrationScript.statements(of: script)
        #expect(statements.count == 5)
        #expect(statements[0] == "CREATE INDEX CONCURRENTLY a ON t (x)")
        #expect(statements[1] == "INSERT INTO t VALUES ('it''s; here', E'a\\'; b', \"odd;name\")")
        #expect(statements[2].hasSuffix("END $body$"))
        #expect(statements[3] == "SELECT a$b")
        #expect(statements[4].hasPrefix("SELECT $1"))
    }

    @Test(arguments: ["", "  \n", "-- only", ";;", "/* open", "/* a */ ; -- b\n;"])
    func commentsAloneAreNoStatement(script: String) {
        #expect(MigrationScript.statements(of: script).isEmpty)
    }

    @Test(arguments: ["'open", "\"open", "$tag$ open", "E'\\", "$"])
    func whatIsNotClosedRunsToTheEnd(script: String) {
        #expect(MigrationScript.statements(of: script) == [script])
    }
}
