using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Evaluation;

/// <summary>Every metric against the library that defines it, on given features (fixture `metrics`, tolerances of its README).</summary>
public class MetricFixtureTests
{
    public static TheoryData<string> Of(string topic) => Fixtures.Folders("", topic + ".json");

    /// <summary>Shows every case of a topic: its tensors by "in.x", its settings, what is expected.</summary>
    private static void Each(string folder, string topic, Action<Func<string, Tensor>, JsonElement, JsonElement> check)
    {
        using var stored = new Case(Path.Combine(folder, topic));
        var met = 0;
        foreach (var one in stored.Json.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            var expected = one.Value.GetProperty("expected");
            check(name => stored.Has($"{one.Name}.{name}") ? stored[$"{one.Name}.{name}"] : throw new KeyNotFoundException($"{stored.Name}: no {one.Name}.{name}"), one.Value.GetProperty("settings"), expected);
            met++;
        }

        Assert.True(met > 0, stored.Name);
    }

    private static double Number(JsonElement of, string name) => of.GetProperty(name).GetDouble();
    private static double[] Numbers(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
    private static FeatureRows Rows(Tensor tensor) => FeatureRows.Of(tensor);
    private static void Near(double wanted, double got, double tolerance, string what) => Assert.True(Math.Abs(got - wanted) <= tolerance, $"{what}: {got:R} for {wanted:R}, off by {Math.Abs(got - wanted):G3}");

    private static void Near(IReadOnlyList<double> wanted, IReadOnlyList<double> got, double tolerance, string what)
    {
        Assert.Equal(wanted.Count, got.Count);
        for (var i = 0; i < wanted.Count; i++) Near(wanted[i], got[i], tolerance, $"{what}[{i}]");
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "numpy_random_state")]
    public void Shuffles_are_numpys(string folder)
    {
        Fixtures.Require(Path.Combine(folder, "numpy_random_state.json"));
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(Path.Combine(folder, "numpy_random_state.json"))));
        foreach (var one in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            var (settings, expected) = (one.Value.GetProperty("settings"), one.Value.GetProperty("expected"));
            var random = new NumpyRandom(settings.GetProperty("seed").GetUInt32());
            foreach (var output in expected.GetProperty("first_outputs").EnumerateArray()) Assert.Equal(output.GetUInt32(), random.Next());
            foreach (var size in settings.GetProperty("n").EnumerateArray().Select(n => n.GetInt32()))
            {
                var got = new NumpyRandom(settings.GetProperty("seed").GetUInt32()).Permutation(size);
                int[] Wanted(string name) => [.. expected.GetProperty($"permutation_{size}{name}").EnumerateArray().Select(value => value.GetInt32())];
                if (expected.TryGetProperty($"permutation_{size}", out _)) Assert.Equal(Wanted(""), got);
                if (!expected.TryGetProperty($"permutation_{size}_first", out _)) continue;
                Assert.Equal(Wanted("_first"), got[..Wanted("_first").Length]);
                Assert.Equal(Wanted("_last"), got[^Wanted("_last").Length..]);
                var sum = expected.GetProperty($"permutation_{size}_weighted_sum").GetInt64();
                Assert.Contains(sum, (long[])[got.Select((value, i) => (long)i * value).Sum(), got.Select((value, i) => (i + 1L) * value).Sum()]);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "frechet")]
    public void Frechet_distances_in_one_pass(string folder) => Each(folder, "frechet", (tensor, settings, expected) =>
    {
        if (settings.GetProperty("kind").GetString() == "statistics") return;
        var (a, b) = (Rows(tensor("in.a")), Rows(tensor("in.b")));
        var (left, right) = (FeatureStatistics.Of(a), FeatureStatistics.Of(b));
        var tolerance = 1e-6 * (1 + Number(expected, "trace_a") + Number(expected, "trace_b"));
        var (traceA, traceB) = (left.Covariance.Diagonal().Sum().Item(), right.Covariance.Diagonal().Sum().Item());
        Near(Number(expected, "trace_a"), traceA, 1e-9 * Math.Abs(traceA), "trace_a");
        Near(Number(expected, "trace_b"), traceB, 1e-9 * Math.Abs(traceB), "trace_b");
        Near(Number(expected, "mean_term"), (left.Mean - right.Mean).Square().Sum().Item(), 1e-9 * (1 + traceA), "mean_term");
        Near(Number(expected, "exact"), new Fid().Between(a, b), tolerance, "exact");
        Near(Number(expected, "exact"), Fid.Between(left, right), tolerance, "exact, from statistics");
        // By a library's own root: closer to its value than the exact one is, wherever that is off at all.
        foreach (var (library, root) in ((string, FrechetRoot)[])[("pytorch_fid", FrechetRoot.Sqrtm), ("torch_fidelity", FrechetRoot.Eigenvalues)])
        {
            var fid = new Fid { Root = root, FloatMean = root == FrechetRoot.Eigenvalues && tensor("in.a").DType == DType.Float32 };
            var (wanted, off) = (Math.Max(0, Number(expected, library)), Math.Abs(Number(expected, library) - Number(expected, "exact")));
            Near(wanted, fid.Between(a, b), Math.Max(off / 2, tolerance / 1000) + (fid.FloatMean ? 4e-7 * Number(expected, "mean_term") : 0), $"{library}'s own root");
        }

        if (tensor("in.a").DType != DType.Float32) return;
        Near(Math.Max(0, Number(expected, "torch_fidelity")), new Fid { FloatMean = true }.Between(a, b), tolerance, "torch-fidelity");
        // Full-rank covariances leave nothing but the mean's type between the libraries: the rounding of its term in float32.
        if (a.Count > 2 * a.Width && b.Count > 2 * b.Width) Near(Number(expected, "torch_fidelity"), new Fid { FloatMean = true }.Between(a, b), 4e-7 * Number(expected, "mean_term") + 1e-10, "torch-fidelity, closely");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "pytorch_fid_statistics")]
    public void Statistics_files_are_read_and_written_as_pytorch_fid_does(string folder)
    {
        Each(folder, "pytorch_fid_statistics", (tensor, _, expected) =>
        {
            string File(string side) => Fixtures.Require(Path.Combine(folder, $"pytorch_fid_statistics.{side}.npz"));
            using var temporary = new Encoders.TemporaryFolder();
            foreach (var side in (string[])["a", "b"])
            {
                var (read, made) = (FeatureStatistics.Load(File(side)), FeatureStatistics.Of(Rows(tensor($"in.{side}"))));
                Assert.Equal(0, (read.Mean - tensor($"out.mu_{side}")).Abs().Max().Item());
                Assert.Equal(0, (read.Covariance - tensor($"out.sigma_{side}")).Abs().Max().Item());
                Assert.True((read.Covariance - made.Covariance).Abs().Max().Item() <= 1e-9 * read.Covariance.Abs().Max().Item());
                var again = Path.Combine(temporary.Path, "again.npz");
                read.Save(again);
                Assert.Equal(Arrays(File(side)), Arrays(again)); // byte for byte what numpy wrote
                made.Save(again);
                Assert.Equal(0, (FeatureStatistics.Load(again).Covariance - made.Covariance).Abs().Max().Item());
            }

            var wanted = Number(expected, "pytorch_fid");
            var traces = FeatureStatistics.Load(File("a")).Covariance.Diagonal().Sum().Item() + FeatureStatistics.Load(File("b")).Covariance.Diagonal().Sum().Item();
            var got = Fid.Between(FeatureStatistics.Load(File("a")), FeatureStatistics.Load(File("b")));
            Near(wanted, got, 1e-6 * (1 + traces), "pytorch_fid");
            Near(FrechetDistance.Between(tensor("in.a"), tensor("in.b")), got, 1e-9 * wanted, "the exact value of the rows");
        });
    }

    // Names and bytes of the arrays in a .npz.
    private static IEnumerable<(string, string)> Arrays(string path)
    {
        using var zip = System.IO.Compression.ZipFile.OpenRead(path);
        foreach (var entry in zip.Entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            using var stream = entry.Open();
            yield return (entry.Name, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(stream)));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Of), "kid")]
    public void Kernel_distances(string folder) => Each(folder, "kid", (tensor, settings, expected) =>
    {
        var metric = new KernelDistance
        {
            Subsets = settings.GetProperty("subsets").GetInt32(), SubsetSize = settings.GetProperty("subset_size").GetInt32(), Seed = settings.GetProperty("rng_seed").GetUInt32(),
            Kernel = new()
            {
                Degree = settings.GetProperty("kid_kernel_poly_degree").GetInt32(), Coef0 = Number(settings, "kid_kernel_poly_coef0"),
                Gamma = settings.GetProperty("kid_kernel_poly_gamma") is { ValueKind: JsonValueKind.Number } gamma ? gamma.GetDouble() : null,
                Sigma = settings.GetProperty("kid_kernel").GetString() == "rbf" ? Number(settings, "kid_kernel_rbf_sigma") : null,
            },
        };
        var (a, b) = (tensor("in.a"), tensor("in.b"));
        var random = new NumpyRandom(metric.Seed);
        for (var i = 0; i < metric.Subsets; i++)
        {
            foreach (var (side, rows) in ((string, Tensor)[])[("a", a), ("b", b)]) Assert.Equal(tensor($"out.indices_{side}").Select(0, i).Contiguous().ToArray<int>(), random.Choice((int)rows.Size(0), metric.SubsetSize));
        }

        var isFloat = a.DType == DType.Float32;
        var got = metric.PerSubset(Rows(a), Rows(b));
        Near(Numbers(expected, isFloat ? "per_subset_float64" : "per_subset"), got, 1e-9, "per_subset");
        var all = expected.GetProperty("full_set_rows").GetInt32();
        Near(Number(expected, isFloat ? "full_set_float64" : "full_set"), KernelDistance.Between(a[..all], b[..all], metric.Kernel), 1e-9, "full_set");
        var figure = metric.Measure(new() { Pictures = Rows(a), Reference = Rows(b) })[0];
        Near(Number(expected, "mean"), figure.Value, isFloat ? 5e-5 * Math.Abs(figure.Value) : 1e-9, "mean");
        Near(Number(expected, "std"), figure.Deviation!.Value, isFloat ? 5e-4 * figure.Deviation.Value : 1e-9, "std");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "inception_score")]
    public void Inception_scores(string folder) => Each(folder, "inception_score", (tensor, settings, expected) =>
    {
        var areProbabilities = settings.GetProperty("probabilities").GetBoolean();
        var metric = new InceptionScore { Splits = settings.GetProperty("splits").GetInt32(), Shuffles = settings.GetProperty("shuffle").GetBoolean(), Seed = settings.GetProperty("rng_seed").GetUInt32() };
        var rows = Rows(tensor(areProbabilities ? "in.probabilities" : "in.logits"));
        if (metric.Shuffles) Assert.Equal(tensor("out.permutation").ToArray<int>(), new NumpyRandom(metric.Seed).Permutation(rows.Count));
        Near(Numbers(expected, "per_split"), metric.PerSplit(rows, areProbabilities), 1e-9, "per_split");
        if (areProbabilities) return;
        var figure = metric.Measure(new() { Logits = rows })[0];
        Near(Number(expected, "mean"), figure.Value, 1e-9, "mean");
        Near(Number(expected, "std"), figure.Deviation!.Value, 1e-9, "std");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "precision_recall")]
    public void Precision_and_recall(string folder) => Each(folder, "precision_recall", (tensor, settings, expected) =>
    {
        var metric = new PrecisionRecall { Neighbours = settings.GetProperty("k").GetInt32() };
        var (generated, real) = (Rows(tensor("in.generated")), Rows(tensor("in.real")));
        foreach (var (side, rows) in ((string, FeatureRows)[])[("generated", generated), ("real", real)])
        {
            var wanted = tensor($"out.radius_{side}").ToArray<double>();
            Near(wanted, metric.Radii(rows), 1e-6 * (1 + wanted.Max()), $"radius_{side}");
        }

        var figures = metric.Measure(new() { Pictures = generated, Reference = real });
        Near([Number(expected, "precision"), Number(expected, "recall"), Number(expected, "f_score")], [.. figures.Select(f => f.Value)], 1e-6, "precision, recall, F-score");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "cmmd")]
    public void Cmmd_of_given_rows(string folder) => Each(folder, "cmmd", (tensor, _, expected) =>
    {
        var wanted = Number(expected, "cmmd_float64");
        Near(wanted, Cmmd.Between(Rows(tensor("in.x")), Rows(tensor("in.y"))), 1e-9 * Math.Max(1, wanted), "cmmd");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "clip_scores")]
    public void Clip_scores(string folder) => Each(folder, "clip_scores", (tensor, settings, expected) =>
    {
        if (settings.TryGetProperty("generated", out var generated))
        {
            var count = generated.GetArrayLength();
            FeatureRows All(string side) => Rows(Tensor.Cat([.. Enumerable.Range(0, count).Select(i => tensor($"in.{side}_{i}"))]));
            IReadOnlyList<int> Subjects(string side) => [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Repeat(i, (int)tensor($"in.{side}_{i}").Size(0)))];
            var data = new MetricData { Pictures = All("generated"), Reference = All("real"), Subjects = (Subjects("generated"), Subjects("real")) };
            Near(Numbers(expected, "per_subject"), [.. SubjectSimilarity.ClipI.PerSubject(data).Select(pair => pair.Value)], 1e-6 * 100, "per_subject");
            Near(Number(expected, "mean_over_subjects"), SubjectSimilarity.Dino.Measure(data)[0].Value, 1e-6 * 100, "mean_over_subjects");
            return;
        }

        var pairs = new MetricData { Pictures = Rows(tensor("in.image")), Captions = Rows(tensor("in.text")) };
        Near(tensor("out.cosine").ToArray<double>(), Cosines.OfPairs(pairs.Pictures, pairs.Captions), 1e-6, "cosine");
        Near(tensor("out.clipscore_per_pair").ToArray<double>(), new ClipScore().Scores(pairs), 2.5e-6, "clipscore_per_pair");
        foreach (var (name, metric) in ((string, IMetric)[])[("clipscore", new ClipScore()), ("torchmetrics_clip_score", new TorchMetricsClipScore()), ("clipsim", new ClipSim())])
        {
            var wanted = Number(expected, name);
            Near(wanted, metric.Measure(pairs)[0].Value, 1e-6 * Math.Max(1, Math.Abs(wanted)), name);
        }
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "retrieval")]
    public void Retrieval_both_ways(string folder) => Each(folder, "retrieval", (tensor, settings, expected) =>
    {
        int[] imageOfText = [.. tensor("in.image_of_caption").ToArray<long>().Select(image => (int)image)];
        var isTied = settings.GetProperty("ties").GetBoolean();
        var ranks = isTied ? RetrievalRecall.Ranks(tensor("in.scores"), imageOfText) : RetrievalRecall.Ranks(Rows(tensor("in.image")), Rows(tensor("in.text")), imageOfText);
        Assert.Equal(tensor("out.caption_rank").ToArray<int>(), ranks.Images);
        Assert.Equal(tensor("out.image_rank").ToArray<int>(), ranks.Texts);
        int[] ks = [.. settings.GetProperty("ks").EnumerateArray().Select(k => k.GetInt32())];
        foreach (var k in ks)
        {
            Near(Number(expected, $"image_retrieval_recall@{k}"), ranks.ImageRecall(k), 1e-6, $"IR@{k}");
            Near(Number(expected, $"text_retrieval_recall@{k}"), ranks.TextRecall(k), 1e-6, $"TR@{k}");
        }

        if (isTied) return;
        var folds = settings.TryGetProperty("folds", out var parts) ? parts.GetInt32() : 1;
        var figures = new RetrievalRecall { Ks = ks, Folds = folds }.Measure(new() { Pictures = Rows(tensor("in.image")), References = (Rows(tensor("in.text")), imageOfText) }).ToDictionary(f => f.Name, f => f.Value);
        foreach (var k in ks)
        {
            var before = folds > 1 ? "mean_over_folds_" : "";
            Near(Number(expected, $"{before}image_retrieval_recall@{k}"), figures[$"IR@{k}"], 1e-6, $"IR@{k}");
            Near(Number(expected, $"{before}text_retrieval_recall@{k}"), figures[$"TR@{k}"], 1e-6, $"TR@{k}");
        }
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "accuracy")]
    public void Accuracy_at_k(string folder) => Each(folder, "accuracy", (tensor, settings, expected) =>
    {
        var ranks = ZeroShot.Ranks(tensor("in.logits"), [.. tensor("in.labels").ToArray<long>().Select(label => (IReadOnlyList<int>)[(int)label])]);
        Assert.Equal(tensor("out.rank").ToArray<int>(), ranks);
        foreach (var k in settings.GetProperty("ks").EnumerateArray().Select(k => k.GetInt32())) Near(Number(expected, $"accuracy@{k}"), ZeroShot.Share(ranks, k), 1e-6, $"accuracy@{k}");
    });

    [SkippableTheory]
    [MemberData(nameof(Of), "resampling")]
    public void Intervals_and_correlations(string folder) => Each(folder, "resampling", (tensor, settings, expected) =>
    {
        int[][] Draws(string name) => [.. tensor(name).ToArray<int>().Chunk((int)tensor(name).Size(1))];
        static double[] Ends(ConfidenceInterval interval) => [interval.Low, interval.High];
        if (expected.TryGetProperty("pearson", out var pearson))
        {
            var (x, y) = (tensor("in.x").ToArray<double>(), tensor("in.y").ToArray<double>());
            Near(pearson.GetDouble(), RankCorrelation.Pearson(x, y), 1e-10, "pearson");
            Near(Number(expected, "spearman"), RankCorrelation.Spearman(x, y), 1e-10, "spearman");
            Near(Number(expected, "kendall_tau_b"), RankCorrelation.Kendall(x, y), 1e-10, "kendall_tau_b");
        }
        else if (expected.TryGetProperty("fid", out var fid))
        {
            var (a, b, drawsA, drawsB) = (Rows(tensor("in.a")), Rows(tensor("in.b")), Draws("in.indices_a"), Draws("in.indices_b"));
            Near(fid.GetDouble(), new Fid().Between(a, b), 1e-6, "fid");
            double[] resampled = [.. drawsA.Zip(drawsB, (one, other) => new Fid().Between(a.Subset(one), b.Subset(other)))];
            Near(tensor("out.resampled_fid").ToArray<double>(), resampled, 1e-5, "resampled_fid");
            Near(Numbers(expected, "interval"), Ends(ConfidenceInterval.Of(resampled)), 1e-5, "interval");
        }
        else
        {
            var (methods, draws) = (settings.GetProperty("methods").GetInt32(), Draws("in.indices"));
            double[][] scores = [.. Enumerable.Range(0, methods).Select(m => tensor("in.scores").Select(1, m).Contiguous().ToArray<double>())];
            double[][] means = [.. scores.Select(column => Resampling.Means(column, draws))];
            for (var m = 0; m < methods; m++)
            {
                Near(tensor("out.resampled_means").Select(1, m).Contiguous().ToArray<double>(), means[m], 1e-10, $"resampled_means of {m}");
                Near(Numbers(expected, "mean")[m], scores[m].Average(), 1e-10, "mean");
                Near([.. expected.GetProperty("interval")[m].EnumerateArray().Select(end => end.GetDouble())], Ends(ConfidenceInterval.Of(means[m])), 1e-10, "interval");
            }

            var difference = PairedBootstrap.Of(scores[0], scores[1], draws);
            Near([Number(expected, "difference"), .. Numbers(expected, "difference_interval")], [difference.Mean, difference.Low, difference.High], 1e-10, "difference");
            Near(Number(expected, "share_above"), Resampling.ShareAbove(scores[0], scores[1], draws), 1e-10, "share_above");
        }
    });
}
