using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

public sealed partial record Run
{
    /// <summary>What the recipe's <see cref="Prior"/> makes of a run: a canvas from the bank, the targets turned toward pictures, and a place among pictures beside them.</summary>
    private (Canvas Canvas, IReadOnlyList<Target> Targets) Guide(Canvas canvas, IReadOnlyList<Target> targets, Encoder encoder, InrBank? given)
    {
        var prior = Recipe.Prior!;
        var bank = given ?? OpenBank(encoder.Device);
        try
        {
            bank.Index.MustBelongTo(encoder, ModelSha256);
            if (prior.IsRetrieved && !bank.Plan.Equals(Recipe.Canvas)) throw new ArgumentException($"the run's canvas is {Recipe.Canvas}; the bank holds {bank.Plan}");
            using var scope = new TensorScope();
            if (prior.IsRetrieved)
            {
                canvas.Dispose();
                canvas = bank.Take(Nearest(bank.Index, targets[0].Direction, prior), Height, Width);
            }

            IReadOnlyList<Target> guided = TensorScope.Unscoped<Target[]>(() => [.. targets.Select(target => Guided(target, bank.Pairs, prior))]);
            foreach (var target in targets) target.Dispose();
            return (canvas, guided);
        }
        finally
        {
            if (given is null) bank.Dispose();
        }
    }

    // Texts are turned, each by its own neighbours; pictures are where pictures are.
    private Target Guided(Target plain, RetrievalIndex index, Prior prior)
    {
        using var scope = new TensorScope();
        var texts = prior.Neighbours > 0 ? Prompt.Texts.Count() : 0;
        Tensor[] rows = [.. Enumerable.Range(0, (int)plain.Embeddings.Size(0)).Select(i => plain.Embeddings.Select(0, i) is var row && i < texts ? index.Align(row, prior.Neighbours, prior.IsRaw) : row)];
        var among = (int)Math.Min(prior.Blended, index.Count);
        Tensor Blended(Tensor direction) => HasWords && !prior.BlendsByPicture ? index.Blend(plain.Direction, among, prior.Temperature).Target : Blend.Of(direction, index.Images, index.Images, among, prior.Temperature).Target;
        var aligned = Tensor.Stack(rows);
        var target = new Target(aligned, plain.Values) { Pictures = Blended(Target.Sum(aligned, plain.Values)), Start = plain.Start?.Clone() };
        foreach (var kept in new[] { target.Embeddings, target.Values, target.Direction, target.Pictures, target.Start }.OfType<Tensor>()) scope.Keep(kept);
        return target;
    }

    // By caption where the prompt has words, else by picture. A seed chooses among the nearest.
    private long Nearest(RetrievalIndex index, Tensor prompt, Prior prior)
    {
        var among = (int)Math.Min(prior.Starts, index.Count);
        var (_, rows) = !HasWords ? index.NearestImages(prompt, among) : prior.StartsByPair ? index.NearestPairs(prompt, among) : index.NearestTexts(prompt, among);
        return rows.ToArray<long>()[Seed % (ulong)among];
    }

    private bool HasWords => Prompt.Texts.Any();

    private InrBank OpenBank(Torch.Device device)
    {
        if (Bank is not { } file) throw new ArgumentException($"recipe '{Recipe.Name}' begins from a bank of pictures, and the run has none");
        if (InrBank.Describe(file.Path) != file) throw new InvalidDataException($"{file.Path}: is not the bank that the run began with (its SHA-256 differs)");
        return InrBank.Open(file.Path, device);
    }
}
