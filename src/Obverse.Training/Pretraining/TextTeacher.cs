using Obverse.Evaluation;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// Strings and what a large sentence encoder thinks of them: <c>text-teacher.txt</c>, a string a line, and <c>text-teacher.safetensors</c>, int8 <c>embedding</c>
/// [n, d] with a float <c>scale</c> [d]. It says which strings mean nearly the same, so that those that name no class get a target (spec zoo.md 8.3).
/// </summary>
public sealed class TextTeacher : IDisposable
{
    /// <summary>Temperature of the softmax over names (zoo.md 8.3, measured there).</summary>
    public const double Temperature = 0.08;

    private readonly Dictionary<string, int> rows;
    private readonly Tensor names, owners;

    private TextTeacher(string[] strings, Tensor embeddings, Dictionary<string, int> rows, Tensor names, Tensor owners, (string Name, int Class)[] labelled) =>
        (Strings, Embeddings, this.rows, this.names, this.owners, Names) = (strings, embeddings, rows, names, owners, labelled);

    public IReadOnlyList<string> Strings { get; }

    /// <summary>[strings, d], every row of length 1.</summary>
    public Tensor Embeddings { get; }

    /// <summary>Every class name and synonym once, with its class; a word that belongs to two classes stands twice.</summary>
    public IReadOnlyList<(string Name, int Class)> Names { get; }

    /// <summary>The row of a string, or null.</summary>
    public int? Find(string text) => rows.TryGetValue(text, out var row) ? row : null;

    /// <param name="strings">text-teacher.txt.</param>
    /// <param name="embeddings">text-teacher.safetensors.</param>
    /// <param name="classes">The classes whose names the targets are made of; names that the teacher does not know are left out.</param>
    public static TextTeacher Open(string strings, string embeddings, IReadOnlyList<ClassName> classes)
    {
        using var file = Safetensors.Open(embeddings);
        var m = TensorScope.Of(() => (file["embedding"].To(DType.Float32) * file["scale"]).Normalized());
        return From(File.ReadAllText(strings).TrimEnd('\n').Split('\n'), m, classes);
    }

    /// <param name="strings">Any strings.</param>
    /// <param name="embeddings">[strings, d], rows of length 1; owned from here on.</param>
    /// <param name="classes">See <see cref="Open"/>.</param>
    public static TextTeacher From(string[] strings, Tensor embeddings, IReadOnlyList<ClassName> classes)
    {
        if (strings.Length != embeddings.Size(0)) throw new InvalidDataException($"text teacher: {strings.Length} strings, {embeddings.Size(0)} embeddings");
        using var scope = new TensorScope();
        Dictionary<string, int> rows = [];
        for (var i = 0; i < strings.Length; i++) rows.TryAdd(strings[i], i);
        (string Name, int Class)[] labelled = [.. classes.SelectMany(c => c.Synonyms.Prepend(c.ClipName).Distinct().Where(rows.ContainsKey).Select(name => (name, c.Index)))];
        if (labelled.Length == 0) throw new InvalidDataException("text teacher: it knows no name of any class");
        var names = embeddings.IndexSelect(0, Tensor.From([.. labelled.Select(l => (long)rows[l.Name])], labelled.Length));
        var owners = Tensor.Zeros([labelled.Length, classes.Count]);
        for (var i = 0; i < labelled.Length; i++) owners[i, labelled[i].Class] = Tensor.Number(1);
        return new(strings, embeddings, rows, scope.Keep(names), scope.Keep(owners), labelled);
    }

    /// <summary>p(c|s) = softmax over all names and synonyms of cos(m(s), m(name)) / <see cref="Temperature"/>, names of a class added up: [rows, d] to [rows, classes].</summary>
    public Tensor Classes(Tensor embeddings) => (embeddings.Matmul(names.T()) / Temperature).Softmax(1).Matmul(owners);

    /// <summary>t(s) = Σ p(c|s) anchor_c: [rows, d] and [classes, k] to [rows, k].</summary>
    public Tensor Targets(Tensor embeddings, Tensor anchors) => Classes(embeddings).Matmul(anchors);

    public void Dispose()
    {
        Embeddings.Dispose();
        names.Dispose();
        owners.Dispose();
    }
}
