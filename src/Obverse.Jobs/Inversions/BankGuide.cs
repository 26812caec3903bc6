using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Applies a recipe's <see cref="BankPlan"/> to a job: a start canvas from the bank, the prompt aligned with pictures (Procrustes), and the blend of pictures as a second target.</summary>
internal sealed class BankGuide(InversionJob job, Workshop workshop)
{
    private readonly BankPlan plan = job.Recipe.Bank!;

    /// <summary>Changes the targets and makes the canvas.</summary>
    public Canvas Apply(Targets targets, Encoder encoder, Func<Canvas> otherwise)
    {
        if (job.Models is not [var model]) throw new ArgumentException($"recipe '{job.Recipe.Name}' starts from the bank of one model; {job.Models.Count} models were given");
        var bank = workshop.Bank(job.Bank ?? throw new ArgumentException($"recipe '{job.Recipe.Name}' starts from a bank, and the job names none"));
        bank.Index.MustBelongTo(workshop.Model(model.Name).Encoder, model.Sha256);
        if (plan.IsRetrieved && !bank.Plan.Equals(job.Recipe.Canvas)) throw new ArgumentException($"the job's canvas is {job.Recipe.Canvas}; the bank holds {bank.Plan}");
        if (plan.IsRetrieved && job.Start is not null && job.Recipe.Fit is null) throw new ArgumentException("an INR canvas starts from weights, not from a picture; use a recipe that fits it to the picture, or the pyramid");
        var prompt = targets[Targets.Prompt];
        Target[] aligned = [.. prompt.Select(member => TensorScope.Unscoped(() => PromptTargets.Owned(() => Aligned(member, bank.Pairs))))];
        targets[Targets.Pictures] = [.. prompt.Zip(aligned, (plain, own) => TensorScope.Unscoped(() => PromptTargets.Owned(() => Target.At(Blended(plain, own, bank.Pairs)))))];
        targets[Targets.Prompt] = aligned;
        var canvas = plan.IsRetrieved ? bank.Take(Nearest(bank.Index, prompt[0].Direction), job.Height, job.Width) : otherwise();
        foreach (var member in prompt) member.Dispose();
        return canvas;
    }

    // Each text is aligned by its own neighbours; embeddings of pictures need no alignment.
    private Target Aligned(Target plain, RetrievalIndex index)
    {
        var texts = plan.Neighbours > 0 ? job.Prompt.Texts.Count() : 0;
        Tensor[] rows = [.. Enumerable.Range(0, (int)plain.Embeddings.Size(0)).Select(i => plain.Embeddings.Select(0, i) is var row && i < texts ? index.Align(row, plan.Neighbours, plan.IsRaw) : row)];
        return PromptTargets.Pointing(new Target(Tensor.Stack(rows), plain.Values.Clone()), $"{job.Prompt}, aligned with pictures");
    }

    private Tensor Blended(Target plain, Target aligned, RetrievalIndex index)
    {
        var among = (int)Math.Min(plan.Blended, index.Count);
        return HasTexts && !plan.BlendsByPicture ? index.Blend(plain.Direction, among, plan.Temperature).Target : Blend.Of(aligned.Direction, index.Images, index.Images, among, plan.Temperature).Target;
    }

    // By caption if the prompt has texts, else by picture. The seed chooses among the nearest.
    private long Nearest(RetrievalIndex index, Tensor prompt)
    {
        using var scope = new TensorScope();
        var among = (int)Math.Min(plan.Starts, index.Count);
        var (_, rows) = !HasTexts ? index.NearestImages(prompt, among) : plan.StartsByPair ? index.NearestPairs(prompt, among) : index.NearestTexts(prompt, among);
        return rows.ToArray<long>()[job.Seed % (ulong)among];
    }

    private bool HasTexts => job.Prompt.Texts.Any();
}
