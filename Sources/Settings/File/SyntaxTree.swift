internal import Yams

/// Reads YAML as a tree of text: no anchors, no tags, no merges, no key twice.
struct SyntaxTree {
    static let nodesMax = 50_000
    static let depthMax = 32
    static let duplicatesMax = 100

    /// Stands before the earlier of two equal keys while the tree is read; a private-use character.
    ///
    /// The YAML library stops at the first key that is given twice. We want all problems at once, so the earlier key
    /// is marked and the file read again; the mark goes when the tree is ours.
    private static let mark: Character = "\u{F8FE}"

    private(set) var problems: [SettingsProblem] = []
    private let file: String
    private var nodes = 0
    /// The lines in which keys are marked, by number.
    private var markedLines: [Int: [Unicode.Scalar]] = [:]

    init(file: String) { self.file = file }

    /// The file's root; nil where it cannot be read at all, which is then among the problems.
    mutating func read(_ text: String) -> FileNode? {
        guard !text.contains(Self.mark) else {
            report(1, 1, "", "the character U+F8FE is not allowed")
            return nil
        }
        // Some editors begin a file with a byte order mark.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? text.unicodeScalars.dropFirst() : text.unicodeScalars[...]
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        for _ in 0...Self.duplicatesMax {
            do {
                // The parser owns the anchors that its nodes point to, so it has to outlive the walk.
                let parser = try Parser(
                    yaml: lines.joined(separator: "\n"), resolver: .basic, encoding: .utf8)
                guard let root = try parser.singleRoot() else {
                    return FileNode(line: 1, column: 1, path: "", content: .map([]))
                }
                return withExtendedLifetime(parser) { node(root, path: "", depth: 0) }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                if setApart(context.mark, in: &lines) { continue }
                report(
                    context.mark.line, context.mark.column, "",
                    "the key \(FileNode.quoted(names.first ?? "")) is given twice; keep one")
                return nil
            } catch {
                reportSyntax(error)
                return nil
            }
        }
        report(1, 1, "", "more than \(Self.duplicatesMax) keys are given twice; keep one of each")
        return nil
    }

    /// Marks the key that stands there; false where that cannot be done.
    private mutating func setApart(_ place: Mark, in lines: inout [String]) -> Bool {
        guard lines.indices.contains(place.line - 1) else { return false }
        var line = Array(lines[place.line - 1].unicodeScalars)
        guard line.indices.contains(place.column - 1), let mark = Self.mark.unicodeScalars.first else { return false }
        let isQuoted = line[place.column - 1] == "\"" || line[place.column - 1] == "'"
        guard line[place.column - 1] != "[", line[place.column - 1] != "{" else { return false }
        line.insert(mark, at: place.column - (isQuoted ? 0 : 1))
        lines[place.line - 1] = String(String.UnicodeScalarView(line))
        markedLines[place.line] = line
        return true
    }

    /// Where the file itself has what the parser found there: marks before it do not count.
    private func place(_ found: Mark?) -> (line: Int, column: Int) {
        guard let found else { return (1, 1) }
        let before = markedLines[found.line]?.prefix(found.column - 1) ?? []
        return (found.line, found.column - before.count { Self.mark.unicodeScalars.contains($0) })
    }

    // MARK: The walk

    private mutating func node(_ node: Node, path: String, depth: Int) -> FileNode {
        let place = place(node.mark)
        var result = FileNode(
            line: place.line, column: place.column, path: path, content: .refused)
        nodes += 1
        guard nodes <= Self.nodesMax else {
            if nodes == Self.nodesMax + 1 {
                report(place.line, place.column, path, "the file has more than \(Self.nodesMax) values")
            }
            return result
        }
        guard depth <= Self.depthMax else {
            report(place.line, place.column, path, "nested deeper than \(Self.depthMax) levels")
            return result
        }
        guard node.anchor == nil, node.alias == nil else {
            report(place.line, place.column, path, "anchors and aliases (& and *) are not used here; write it out")
            return result
        }
        checkTag(of: node, path: path)
        switch node {
        case .scalar(let scalar):
            result.content = .scalar(scalar.string, isBare: scalar.style == .plain || scalar.style == .any)
        case .sequence(let sequence):
            result.content = .list(
                sequence.enumerated().map { self.node($1, path: "\(path)[\($0)]", depth: depth + 1) })
        case .mapping(let mapping): result.content = .map(entries(of: mapping, path: path, depth: depth))
        case .alias: break
        }
        return result
    }

    private mutating func entries(of mapping: Node.Mapping, path: String, depth: Int) -> [FileNode.Entry] {
        var lines: [String: Int] = [:]
        var entries: [FileNode.Entry] = []
        for (keyNode, valueNode) in mapping {
            let key = node(keyNode, path: path, depth: depth + 1)
            guard let marked = key.text else {
                report(key.line, key.column, path, "a key is text; found \(key.summary)")
                continue
            }
            let name = String(marked.drop { $0 == Self.mark })
            let inside = path.isEmpty ? name : "\(path).\(name)"
            if name == "<<" {
                report(key.line, key.column, path, "merges (<<) are not used here; write the keys out")
                continue
            }
            if let earlier = lines[name] {
                report(key.line, key.column, inside, "given twice, first on line \(earlier); keep one")
                continue
            }
            lines[name] = key.line
            let value = node(valueNode, path: inside, depth: depth + 1)
            entries.append(FileNode.Entry(key: key, name: name, value: value))
        }
        return entries
    }

    private mutating func checkTag(of node: Node, path: String) {
        let tag = node.tag.description
        guard !["str", "seq", "map"].contains(where: { tag == "tag:yaml.org,2002:\($0)" }) else { return }
        let place = place(node.mark)
        report(place.line, place.column, path, "tags (!…) are not used here; leave the tag out")
    }

    // MARK: Problems

    private mutating func report(_ line: Int, _ column: Int, _ path: String, _ message: String) {
        let shown = String(path.filter { $0 != Self.mark })
        problems.append(SettingsProblem(file: file, line: line, column: column, key: shown, message: message))
    }

    private mutating func reportSyntax(_ error: any Error) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let before = context.map { $0.text + ": " } ?? ""
            report(mark.line, mark.column, "", "this is not YAML: \(before)\(problem)")
        case YamlError.reader(let problem, let offset, _, let text):
            let before = text.prefix(offset ?? 0)
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            report(before.count(where: \.isNewline) + 1, column, "", "this is not YAML: \(problem)")
        default: report(1, 1, "", "this is not YAML")
        }
    }
}
