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

    /// <summary>Compares with a stored tensor within the `tol` of the JSON; shapes of the same number of elements are taken for equal.</summary>
    public void Meets(string name, Tensor got) => Near(name, got, Json.GetProperty("tensors").GetProperty(name).GetProperty("tol").GetDouble());

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

    public void Near(string name, Tensor got, double tolerance)
    {
        met.Add(name);
        using var scope = new TensorScope();
        var wanted = tensors[name].To(DType.Float64);
        Assert.True(wanted.Elements == got.Elements, $"{Name}: {name} has {wanted}, got {got}");
        var worst = wanted.Elements == 0 ? 0 : (wanted - got.Detach().To(DType.Float64).Reshape(wanted.Shape)).Abs().Max().Item();
        Assert.True(worst <= tolerance, $"{Name}: {name} is off by {worst:g3}, tolerance {tolerance:g3}");
    }

    public void Dispose()
    {
        tensors.Dispose();
        json.Dispose();
    }
}
