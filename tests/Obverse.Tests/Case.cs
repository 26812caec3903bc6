using System.Text.Json;
using System.Text.RegularExpressions;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests;

/// <summary>One safetensors + JSON pair of the fixture tree: tensors by name, settings, and comparison within the stated tolerance.</summary>
public sealed class Case : IDisposable
{
    private readonly Safetensors tensors;
    private readonly JsonDocument json;
    private readonly HashSet<string> met = [];

    public Case(string relative)
    {
        Name = relative;
        tensors = Safetensors.Open(Fixtures.Require(relative + ".safetensors"));
        json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(relative + ".json")));
    }

    public string Name { get; }
    public JsonElement Json => json.RootElement;
    public JsonElement Config => Json.GetProperty("config");
    public IEnumerable<string> Names => tensors.Names;
    public Tensor this[string name] => tensors[name];
    public bool Has(string name) => tensors.Contains(name);
    public double Number(string setting) => Config.GetProperty(setting).GetDouble();
    public int Int(string setting) => Config.GetProperty(setting).GetInt32();

    public JsonElement Settings => Json.GetProperty("settings");

    /// <summary>Compares with a stored tensor within the tolerance of the JSON: `tol`; or `exact`; or `atol` and `rtol`, where as many elements as `outliers` says may be off by `outlier_atol`. Shapes of the same number of elements are taken for equal.</summary>
    public void Meets(string name, Tensor got)
    {
        var stored = Json.GetProperty("tensors").GetProperty(name);
        double Of(string key) => stored.TryGetProperty(key, out var value) ? value.GetDouble() : 0;
        if (stored.TryGetProperty("tol", out var tolerance)) Near(name, got, tolerance.GetDouble());
        else if (stored.TryGetProperty("exact", out _)) Near(name, got, 0);
        else Near(name, got, Of("atol"), Of("rtol"), (int)Of("outliers"), Of("outlier_atol"));
    }

    /// <summary>The same for tensors that a trace stores at some of its steps only.</summary>
    public void MeetsIfStored(string name, Tensor got)
    {
        if (Has(name)) Meets(name, got);
    }

    /// <summary>Fails where a stored output was never compared, unless its whole name matches one of the patterns, each with the reason why not.</summary>
    public void EveryOutputIsMet(params (string Pattern, string Reason)[] except)
    {
        var missed = Names.Where(n => n.StartsWith("out.", StringComparison.Ordinal) && !met.Contains(n) && !except.Any(e => Regex.IsMatch(n, $"^out\\.({e.Pattern})$"))).ToArray();
        Assert.True(missed.Length == 0, $"{Name}: stored and never compared: {string.Join(", ", missed)}");
        Assert.True(met.Count > 0, $"{Name}: nothing was compared");
    }

    public void Near(string name, Tensor got, double tolerance, double relative = 0, int outliers = 0, double outlierTolerance = 0)
    {
        met.Add(name);
        using var scope = new TensorScope();
        var wanted = tensors[name].To(DType.Float64);
        Assert.True(wanted.Elements == got.Elements, $"{Name}: {name} has {wanted}, got {got}");
        if (wanted.Elements == 0) return;
        var off = (wanted - got.Detach().To(DType.Float64).Reshape(wanted.Shape)).Abs();
        var beyond = relative == 0 ? off : off - wanted.Abs() * relative;
        var (worst, many) = (beyond.Max().Item(), outliers == 0 ? 0 : (beyond > tolerance).Sum().Item());
        Assert.True(many <= outliers && worst <= (outliers == 0 ? tolerance : Math.Max(tolerance, outlierTolerance)), $"{Name}: {name} is off by {worst:g3}{(outliers == 0 ? "" : $", {many} elements by more than the tolerance")}, tolerance {tolerance:g3} and {relative:g3} of the value");
    }

    public void Dispose()
    {
        tensors.Dispose();
        json.Dispose();
    }
}
