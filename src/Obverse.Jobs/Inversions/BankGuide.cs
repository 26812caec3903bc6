using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What a recipe's <see cref="BankPlan"/> makes of a job: a canvas from the bank, the prompt aligned with pictures, and a place among pictures as a target beside it.</summary>
internal sealed class BankGuide(InversionJob job, Workshop workshop)
{
    private readonly BankPlan plan = job.Recipe.Bank!;

    /// <summary>Changes the targets; makes the canvas.</summary>
    public Canvas Apply(Targets targets, Encoder encoder, Func<Canvas> otherwise)
    {
        if (job.Models is not [var model]) throw new ArgumentException($"recipe '{job.Recipe.Name}' begins from a bank of one model's pictures; {job.Models.Count} models were given");
        var bank = workshop.Bank(job.Bank ?? throw new ArgumentException($"recipe '{job.Recipe.Name}' begins from a bank of pictures, and the job has none"));
        bank.Index.MustBelongTo(workshop.Model(model.Name).Encoder, model.Sha256);
        if (plan.IsRetrieved && !bank.Plan.Equals(job.Recipe.Canvas)) throw new ArgumentException($"the job's canvas is {job.Recipe.Canvas}; the bank holds {bank.Plan}");
        if (plan.IsRetrieved && job.Start is not null && job.Recipe.Fit is null) throw new ArgumentException("an INR canvas begins from weights, not from a picture; fit one to the picture first, or use the pyramid");
        var prompt = targets[Targets.Prompt];
        Target[] aligned = [.. prompt.Select(member => TensorScope.Unscoped(() => PromptTargets.Owned(() => Aligned(member, bank.Pairs))))];
        targets[Targets.Pictures] = [.. prompt.Zip(aligned, (plain, own) => TensorScope.Unscoped(() => PromptTargets.Owned(() => Target.At(Blended(plain, own, bank.Pairs)))))];
        targets[Targets.Prompt] = aligned;
        var canvas = plan.IsRetrieved ? bank.Take(Nearest(bank.Index, prompt[0].Direction), job.Height, job.Width) : otherwise();
        foreach (var member in prompt) member.Dispose();
        return canvas;
    }

    // Texts are aligned, each by its own neighbours; pictures are where pictures are.
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

    // By caption where the prompt has texts, else by picture. A seed chooses among the nearest.
    private long Nearest(RetrievalIndex index, Tensor prompt)
    {
        using var scope = new TensorScope();
        var among = (int)Math.Min(plan.Starts, index.Count);
        var (_, rows) = !HasTexts ? index.NearestImages(prompt, among) : plan.StartsByPair ? index.NearestPairs(prompt, among) : index.NearestTexts(prompt, among);
        return rows.ToArray<long>()[job.Seed % (ulong)among];
    }

    private bool HasTexts => job.Prompt.Texts.Any();
}
