using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// A codebook that follows the latents by running means (van den Oord et al. 2017, appendix A.1) and revives dead codes: rows that hardly any latent is nearest to go where a random latent of the
/// batch lies.
/// </summary>
internal sealed class CodebookAverages(Tensor codebook, double decay, double deadShare) : IDisposable
{
    private readonly Tensor counts = Tensor.Owned(() => Tensor.Zeros([codebook.Size(0)])), sums = Tensor.Owned(() => Tensor.Zeros(codebook.Shape));

    /// <summary>What a checkpoint needs beside the codebook.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State => [new("codebook.counts", counts), new("codebook.sums", sums)];

    /// <summary>Takes a batch's latents [n, width, h, w] and their codes in; returns the number of revived codes and the perplexity of the batch's codes.</summary>
    public (int Revived, double Perplexity) Take(Tensor latents, Tensor codes, Generator random)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        var rows = latents.Detach().Permute(0, 2, 3, 1).Reshape(-1, codebook.Size(1)).Contiguous();
        var (n, size) = (rows.Size(0), codebook.Size(0));
        var index = codes.Reshape(n);
        var met = Tensor.Zeros([size, 1]).AddRowsInPlace(index, Tensor.Ones([n, 1])).Squeeze(1);
        var sum = Tensor.Zeros([size, rows.Size(1)]).AddRowsInPlace(index, rows);
        counts.LerpInPlace(met, 1 - decay);
        sums.LerpInPlace(sum, 1 - decay);
        var (alive, share) = (counts.ToFloats(), met.ToFloats());
        codebook.CopyInPlace(codebook.Where(counts.Unsqueeze(1) < 1e-6, sums / counts.Unsqueeze(1).ClampMin(1e-6)));
        var least = deadShare * n / size;
        int[] dead = [.. Enumerable.Range(0, (int)size).Where(code => alive[code] < least)];
        foreach (var code in dead)
        {
            var row = rows.Select(0, (long)(random.Next() * n));
            codebook.Select(0, code).CopyInPlace(row);
            sums.Select(0, code).CopyInPlace(row * (2 * least));
            counts.Select(0, code).FillInPlace(2 * least);
        }

        return (dead.Length, Math.Exp(-share.Where(count => count > 0).Sum(count => count / n * Math.Log(count / n))));
    }

    public void Dispose()
    {
        counts.Dispose();
        sums.Dispose();
    }
}
