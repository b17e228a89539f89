/// The version of this package, by the rules of Semantic Versioning (semver.org).
public enum EMLLMVersion {
    /// The version that the programs print and that the converter writes into files.
    public static let current = "0.2.0"
}
