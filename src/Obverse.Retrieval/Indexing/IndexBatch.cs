namespace Obverse.Retrieval;

/// <summary>What one step of a build adds: pictures and captions seen for the first time, with their embeddings, and rows of them.</summary>
internal sealed record IndexBatch(IReadOnlyList<EmbeddedPicture> Pictures, IReadOnlyList<EmbeddedCaption> Captions, IReadOnlyList<IndexedPicture> Rows);

/// <param name="Thumbnail">A JPEG; empty where none is wanted.</param>
internal sealed record EmbeddedPicture(string Sha256, float[] Embedding, byte[] Thumbnail);

internal sealed record EmbeddedCaption(string Text, float[] Embedding);
