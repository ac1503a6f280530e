internal import Model

/// Moves a whole journal to an empty one of another store, and goes on where an earlier try ended.
///
/// What has come over is its own record of how far the move is: rows go in the order of their keys, each slice in one
/// transaction. Only when every table adds up to the same on both sides is the old journal retired, and then the new
/// one opened to servers: at no moment could both be served.
package struct Mover: Sendable {
    private static let sliceRows = 1000
    private static let sliceSize = 4 << 20

    package struct Progress: Sendable {
        package enum Step: String, Sendable { case copying, verifying }

        package var step: Step
        package var table: String
        package var done: Int
        package var of: Int
    }

    package struct Table: Sendable {
        package var name: String
        package var rows: Int
        package var digest: String
    }

    package struct Report: Sendable {
        /// How far it had come before.
        package var standing: MoveStanding
        package var tables: [Table]
    }

    let source: any MoveSource
    let target: any MoveTarget

    package init(from source: any MoveSource, to target: any MoveTarget) {
        self.source = source
        self.target = target
    }

    /// The tables that hold something, with how many rows; nothing is changed.
    package static func plan(of source: any MoveSource) async throws -> [(table: String, rows: Int)] {
        var plan: [(String, Int)] = []
        for table in try await source.tables() {
            let rows = try await source.count(table)
            if rows > 0 { plan.append((table.name, rows)) }
        }
        return plan
    }

    /// `stamp` marks this move, should it be a new one.
    package func run(
        stamp: Int64, isRestarting: Bool = false, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Report {
        let tables = try await source.tables()
        try await target.checkPlaces(for: tables)
        let stamp = try await source.beginMove(stamp: stamp)
        let standing = try await target.beginMove(stamp: stamp, from: source.name, isRestarting: isRestarting)
        guard standing != .finished else { return Report(standing: standing, tables: []) }
        for table in tables { try await copy(table, progress) }
        var moved: [Table] = []
        for table in tables { moved.append(try await verify(table, progress)) }
        try await source.endMove(stamp: stamp)
        try await target.endMove(stamp: stamp, lastNumbers: try await source.lastNumbers())
        return Report(standing: standing, tables: moved)
    }

    private func copy(_ table: MovedTable, _ progress: @Sendable (Progress) -> Void) async throws {
        let all = try await source.count(table)
        var done = try await target.count(table)
        var key = try await target.lastKey(in: table)
        while true {
            progress(Progress(step: .copying, table: table.name, done: done, of: all))
            let rows = try await source.rows(
                of: table, after: key, limit: Self.sliceRows, sizeMax: Self.sliceSize)
            guard let last = rows.last else { return }
            try await target.write(rows, to: table)
            key = table.keyPlaces.map { last[$0] }
            done += rows.count
        }
    }

    private func verify(_ table: MovedTable, _ progress: @escaping @Sendable (Progress) -> Void) async throws -> Table {
        let all = try await source.count(table)
        progress(Progress(step: .verifying, table: table.name, done: 0, of: all))
        let theirs = try await source.digest(of: table) { _ in }
        let ours = try await target.digest(of: table) { done in
            progress(Progress(step: .verifying, table: table.name, done: done, of: all))
        }
        guard theirs == ours else {
            throw Failure(
                .journal,
                "The table \(table.name) has \(theirs.rows) rows in \(source.name) and \(ours.rows) in \(target.name), "
                    + "and they do not add up to the same (\(theirs), \(ours)). Nothing was retired; begin anew with "
                    + "--restart.")
        }
        return Table(name: table.name, rows: ours.rows, digest: "\(ours)")
    }
}
