using System.Runtime.InteropServices;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Rows to be searched by inner product, in FAISS: for more of them than <see cref="Nearest"/> is quick with (about 200,000). The kind is FAISS's own text: "Flat" is exact, "HNSW32" a graph,
/// "IVF1024,Flat" lists that are trained on the rows first added.
/// </summary>
public sealed partial class VectorIndex : IDisposable
{
    private nint handle;

    private VectorIndex(nint handle) => this.handle = handle;

    public VectorIndex(int dimension, string kind = "Flat") : this(Made(of_new(dimension, kind), $"a FAISS index '{kind}' of {dimension} numbers"))
    {
    }

    /// <summary>Why FAISS cannot be used here; null where it can.</summary>
    public static string? Missing => missing.Value;

    public long Count => of_count(Alive);
    public int Dimension => of_dimension(Alive);

    /// <summary>How far a search looks: candidates of a graph (efSearch), lists of an inverted file (nprobe). More finds more, and takes longer.</summary>
    public int Effort
    {
        set => Check(of_effort(Alive, value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "at least 1 was wanted")), "effort");
    }

    /// <summary>Adds rows [n, d]; they are numbered in the order in which they come.</summary>
    public void Add(Tensor rows)
    {
        using var plain = Plain(rows);
        Check(of_add(Alive, plain.Size(0), plain.Data), "add");
    }

    /// <summary>The <paramref name="k"/> best rows for queries [q, d]: scores [q, k], best first, and row numbers; -1 where a search that is not exact found fewer.</summary>
    /// <exception cref="ArgumentException">No rows, or more neighbours than rows.</exception>
    public (Tensor Scores, Tensor Rows) Search(Tensor queries, int k)
    {
        if (Count == 0) throw new ArgumentException("nearest neighbours: there is nothing to look among, no rows");
        if (k < 1 || k > Count) throw new ArgumentException($"nearest neighbours: {k} were asked for among {Count} rows");
        using var plain = Plain(queries);
        var (scores, rows) = (Tensor.Empty([plain.Size(0), k]), Tensor.Empty([plain.Size(0), k], DType.Int64));
        Check(of_search(Alive, plain.Size(0), plain.Data, k, scores.Data, rows.Data), "search");
        return (scores, rows);
    }

    /// <summary>Writes the index whole or not at all; <paramref name="tail"/> stands behind what FAISS reads again.</summary>
    public void Save(string path, byte[]? tail = null)
    {
        using var file = AtomicFile.Open(path);
        file.CloseStream();
        Check(of_write(Alive, file.TemporaryPath), path);
        if (tail is not null) File.AppendAllBytes(file.TemporaryPath, tail);
        file.Commit();
    }

    public static VectorIndex Open(string path) => File.Exists(path) ? new(Made(of_read(path), path)) : throw new FileNotFoundException($"{path}: no such index");

    public void Dispose()
    {
        if (handle != 0) of_free(handle);
        handle = 0;
        GC.SuppressFinalize(this);
    }

    ~VectorIndex() => Dispose();

    private nint Alive => handle != 0 ? handle : throw new ObjectDisposedException(nameof(VectorIndex));

    private Tensor Plain(Tensor rows) => rows.Dims == 2 && rows.Size(1) == Dimension
        ? TensorScope.Of(() => rows.Detach().To(Device.Cpu, DType.Float32).Contiguous())
        : throw new ArgumentException($"rows of [{string.Join(", ", rows.Shape)}] were given; the index has {Dimension} numbers a row");

    private static nint Made(nint made, string what) => made != 0 ? made : throw new InvalidDataException($"{what}: {Reason()}");

    private static void Check(int status, string doing)
    {
        if (status < 0) throw new IOException($"FAISS, {doing}: {Reason()}");
    }

    private static string Reason() => (Marshal.PtrToStringUTF8(of_error()) ?? "").ReplaceLineEndings(" ");

    private static readonly Lazy<string?> missing = new(() =>
    {
        try
        {
            of_error();
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return e.Message.Split('\n')[0];
        }
    });

    private const string Name = "obverse_faiss";

    static VectorIndex() => NativeLibrary.SetDllImportResolver(typeof(VectorIndex).Assembly, (name, _, _) => name == Name && NativeFiles.Places($"lib{Name}.so").FirstOrDefault(File.Exists) is { } found ? NativeLibrary.Load(found) : 0);

    [LibraryImport(Name)] private static partial nint of_error();
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] private static partial nint of_new(int dimension, string kind);
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] private static partial nint of_read(string path);
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] private static partial int of_write(nint index, string path);
    [LibraryImport(Name)] private static partial int of_add(nint index, long count, nint rows);
    [LibraryImport(Name)] private static partial int of_search(nint index, long count, nint queries, long k, nint scores, nint rows);
    [LibraryImport(Name)] private static partial int of_effort(nint index, int effort);
    [LibraryImport(Name)] private static partial long of_count(nint index);
    [LibraryImport(Name)] private static partial int of_dimension(nint index);
    [LibraryImport(Name)] private static partial void of_free(nint index);
}
