package import Model

extension EventCatalogue {
    /// The type that was probably meant; nil where none is near enough to `name`.
    package func nearest(to name: String) -> String? { Suggestion.nearest(to: name, among: typeNames) }
}
