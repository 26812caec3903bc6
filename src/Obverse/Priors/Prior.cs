namespace Obverse;

/// <summary>What a run takes from a bank of pictures: three switches of CLIP^-1 (spec implicit-inversion.md 2.8). The fourth, blending, is the term <see cref="TowardPictures"/> of its objective.</summary>
/// <param name="IsRetrieved">Begins from the bank's representation whose caption is nearest; else from a random one.</param>
/// <param name="Neighbours">Pairs that turn the target by Procrustes; 0: the prompt's embedding as it is.</param>
/// <param name="IsRaw">Procrustes by the raw decomposition, not the minimiser nearest to the identity.</param>
/// <param name="Blended">Pictures that are blended.</param>
/// <param name="Temperature">Of the blend's softmax.</param>
public sealed record Prior(bool IsRetrieved = true, int Neighbours = RetrievalIndex.Neighbours, bool IsRaw = false, int Blended = Blend.Neighbours, double Temperature = Blend.Temperature);
