/// The parts of a value under their names in the source: `beam.lines` is `3`.
///
/// Unlike JSON, sets are sorted, so that the same value always gives the same text.
enum ValueParts {
    static func rows(of value: Any, name: String = "") -> [NodeDetails.Row] {
        if value is any RawRepresentable { return [(name, text(value))] }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional:
            return mirror.children.first.map { rows(of: $0.value, name: name) } ?? [(name, "none")]
        case .set:
            return [(name, list(mirror.children.map { text($0.value) }.sorted()))]
        case .collection:
            return [(name, list(mirror.children.map { text($0.value) }))]
        case .struct, .tuple, .enum:
            guard !mirror.children.isEmpty else { return [(name, text(value))] }
            return mirror.children.flatMap { child in
                rows(of: child.value, name: [name, child.label ?? ""].filter { !$0.isEmpty }.joined(separator: "."))
            }
        default:
            return [(name, text(value))]
        }
    }

    private static func text(_ value: Any) -> String {
        if let named = value as? any RawRepresentable { return "\(named.rawValue)" }
        return "\(value)"
    }

    private static func list(_ items: [String]) -> String { items.isEmpty ? "none" : items.joined(separator: ", ") }
}
