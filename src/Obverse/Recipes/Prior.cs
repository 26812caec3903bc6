namespace Obverse;

/// <summary>What a run takes from a bank of pictures: three switches of CLIP^-1 (spec implicit-inversion.md 2.8). The fourth, blending, is the term <see cref="TowardPictures"/> of its objective.</summary>
/// <param name="IsRetrieved">Begins from the bank's representation whose caption is nearest; else from a random one.</param>
/// <param name="Neighbours">Pairs that turn the target by Procrustes; 0: the prompt's embedding as it is.</param>
/// <param name="IsRaw">Procrustes by the raw decomposition, not the minimiser nearest to the identity.</param>
/// <param name="Blended">Pictures that are blended.</param>
/// <param name="Temperature">Of the blend's softmax.</param>
/// <param name="Starts">How many of the nearest representations are begun from: seed s begins from the (s mod this)-th. 1, as published: every seed from the nearest.</param>
/// <param name="StartsByPair">The nearest representation by caption and picture together; else by caption, as published.</param>
/// <param name="BlendsByPicture">Blends the pictures that are nearest themselves; else those whose captions are, as published (spec implicit-inversion.md 2.7 has both).</param>
public sealed record Prior(bool IsRetrieved = true, int Neighbours = 64, bool IsRaw = false, int Blended = 16, double Temperature = 0.01, int Starts = 1, bool StartsByPair = false, bool BlendsByPicture = false);
