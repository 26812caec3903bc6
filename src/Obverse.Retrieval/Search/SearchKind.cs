namespace Obverse.Retrieval;

/// <summary>How nearest rows are looked for: every row is compared (<see cref="Nearest"/>), or the few that a graph leads to (<see cref="HnswIndex"/>).</summary>
public enum SearchKind { Exact, Hnsw }
