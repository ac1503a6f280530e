import TestKit
import Testing

@Suite(.enabled(if: SupabaseProject.isInstalled, "Postgres is not installed"))
struct `The inbox in the database` {
    @Test(arguments: ["roles", "accept"])
    func `keeps what its pgTAP tests say`(name: String) async throws {
        let lines = try await SupabaseProject().tap("supabase/tests/database/\(name).test.sql")
        let planned = try #require(lines.first.flatMap { Int($0.dropFirst("1..".count)) })
        #expect(lines.filter { $0.hasPrefix("ok ") }.count == planned)
        #expect(lines.filter { $0.hasPrefix("not ok") || $0.hasPrefix("#") } == [])
    }
}
