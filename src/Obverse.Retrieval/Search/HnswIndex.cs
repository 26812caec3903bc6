using System.Runtime.InteropServices;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>How a graph is built and searched; measured on 200,000 clustered rows (docs/index.md).</summary>
/// <param name="Connectivity">Links of a row, M of the paper; twice as many on the lowest layer.</param>
/// <param name="ExpansionAdd">Candidates for a new row's links, efConstruction.</param>
/// <param name="ExpansionSearch">Candidates that a search keeps, ef: more finds more, and takes longer.</param>
public sealed record HnswSettings(int Connectivity = 32, int ExpansionAdd = 64, int ExpansionSearch = 128);

/// <summary>
/// A graph over rows of length 1 (HNSW: Malkov and Yashunin, arXiv 1603.09320), USearch's: a search compares some thousands of rows, however many there are, and finds nearly all of the nearest by inner product.
/// Rows lie in it as bfloat16, half the memory and time: what it finds is put in order by <see cref="HnswSearch"/>.
/// </summary>
public sealed unsafe partial class HnswIndex : IDisposable
{
    private const int InnerProduct = 2, Float32 = 1, BFloat16 = 6; // usearch.h
    private const int Block = 8192;

    private readonly int dimension, threads = Runtime.Threads;
    private readonly Lock searching = new(); // a call more than the threads it made room for is an error of USearch's: one batch at a time
    private readonly Tensor? bytes;          // where a graph that was read lies
    private nint handle, none;               // none: for an error that cannot be

    private HnswIndex(long dimension, HnswSettings settings, Tensor? bytes = null)
    {
        (this.dimension, this.bytes) = ((int)dimension, bytes);
        var options = new Options { Metric = InnerProduct, Scalar = BFloat16, Dimensions = (nuint)dimension, Connectivity = (nuint)settings.Connectivity, ExpansionAdd = (nuint)settings.ExpansionAdd, ExpansionSearch = (nuint)settings.ExpansionSearch };
        nint wrong = 0; // USearch writes an error where there is one, and nothing where there is none
        handle = usearch_init(&options, ref wrong);
        Check(wrong, "an empty graph");
    }

    /// <summary>Why USearch cannot be used here; null where it can.</summary>
    public static string? Missing => missing.Value;

    public long Count => (long)usearch_size(Alive, ref none);

    /// <summary>As <see cref="HnswSettings.ExpansionSearch"/>, afterwards.</summary>
    public int ExpansionSearch
    {
        set => usearch_change_expansion_search(Alive, (nuint)value, ref none);
    }

    /// <summary>Of some of the rows [n, d], under their numbers.</summary>
    /// <param name="onProgress">Called with how many are in.</param>
    public static HnswIndex Of(Tensor rows, IReadOnlyList<long> which, HnswSettings? settings = null, Action<int>? onProgress = null)
    {
        var (n, made, wrong) = (which.Count, new HnswIndex(rows.Size(1), settings ?? new()), (nint)0);
        try
        {
            usearch_reserve(made.handle, (nuint)n, ref wrong);
            Check(wrong, "room for rows");
            made.MakeRoomForThreads();
            using var plain = made.Plain(rows);
            var data = plain.Data;
            for (var at = 0; at < n; at += Block)
            {
                Parallel.For(at, Math.Min(at + Block, n), new() { MaxDegreeOfParallelism = made.threads }, i =>
                {
                    nint problem = 0;
                    usearch_add(made.handle, (ulong)which[i], data + (nint)which[i] * made.dimension * sizeof(float), Float32, ref problem);
                    if (problem != 0) wrong = problem;
                });
                Check(wrong, "adding rows");
                onProgress?.Invoke(Math.Min(at + Block, n));
            }

            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Over what <see cref="ToBytes"/> gave, which now belongs to the graph.</summary>
    /// <param name="numbers">Rows are numbered below this.</param>
    /// <exception cref="InvalidDataException">They are no graph of rows of this width.</exception>
    public static HnswIndex Over(Tensor bytes, long dimension, long numbers)
    {
        var (made, wrong) = (new HnswIndex(dimension, new(), bytes), (nint)0);
        try
        {
            HnswFile.Check(bytes, dimension, numbers);
            usearch_view_buffer(made.handle, bytes.Data, (nuint)bytes.Elements, ref wrong);
            Check(wrong, "a cached graph");
            made.MakeRoomForThreads();
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>USearch's own file, as bytes.</summary>
    public Tensor ToBytes()
    {
        nint wrong = 0;
        var file = Tensor.Empty([(long)usearch_serialized_length(Alive, ref wrong)], DType.UInt8);
        usearch_save_buffer(Alive, file.Data, (nuint)file.Elements, ref wrong);
        Check(wrong, "writing a graph");
        return file;
    }

    /// <summary>Candidates for queries [q, d]: row numbers [q, k], by bfloat16 the nearest first; -1 where fewer were found.</summary>
    public Tensor Search(Tensor queries, int k)
    {
        using var plain = Plain(queries);
        var found = Tensor.Empty([plain.Size(0), k], DType.Int64);
        var (index, data, rows, wrong) = (Alive, plain.Data, found.Data, (nint)0);
        lock (searching)
        {
            Parallel.For(0, plain.Size(0), new() { MaxDegreeOfParallelism = threads }, i =>
            {
                nint problem = 0;
                var its = rows + (nint)i * k * sizeof(long);
                fixed (float* distances = new float[k])
                {
                    var count = usearch_search(index, data + (nint)i * dimension * sizeof(float), Float32, (nuint)k, its, distances, ref problem);
                    new Span<long>((long*)its, k)[(int)count..].Fill(-1); // USearch fills up with row 0
                }

                if (problem != 0) wrong = problem;
            });
        }

        Check(wrong, "search");
        return found;
    }

    public void Dispose()
    {
        if (handle != 0) usearch_free(handle, ref none);
        handle = 0;
        bytes?.Dispose();
        GC.SuppressFinalize(this);
    }

    ~HnswIndex() => Dispose();

    private nint Alive => handle != 0 ? handle : throw new ObjectDisposedException(nameof(HnswIndex));

    private Tensor Plain(Tensor rows) => rows.Dims == 2 && rows.Size(1) == dimension
        ? TensorScope.Of(() => rows.Detach().To(Device.Cpu, DType.Float32).Contiguous())
        : throw new ArgumentException($"rows of [{string.Join(", ", rows.Shape)}] were given; the graph has {dimension} numbers a row");

    // After usearch_reserve and after reading: both go back to as many as there are processors.
    private void MakeRoomForThreads()
    {
        usearch_change_threads_add(handle, (nuint)threads, ref none);
        usearch_change_threads_search(handle, (nuint)threads, ref none);
    }

    private static void Check(nint wrong, string doing)
    {
        if (wrong != 0) throw new InvalidDataException($"USearch, {doing}: {Marshal.PtrToStringUTF8(wrong)}");
    }

    private static readonly Lazy<string?> missing = new(() =>
    {
        try
        {
            _ = Runtime.Version; // libtorch first: USearch wants an OpenMP, and where the system has none takes the one that came with libtorch
            usearch_version();
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            var lines = e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return lines.Length > 1 ? lines[1] : lines[0]; // the first line says that it was not loaded, the second what is missing
        }
    });

    /// <summary>usearch_init_options_t.</summary>
    private struct Options
    {
        public int Metric;
        public nint OwnMetric;
        public int Scalar;
        public nuint Dimensions, Connectivity, ExpansionAdd, ExpansionSearch;
        public nint Multi; // a bool, and what fills the struct up
    }

    // The package's own class can neither make room before rows are added, which adding them on several threads wants, nor change the expansion of a graph that was read.
    private const string Name = "libusearch_c";
    [LibraryImport(Name)] private static partial nint usearch_version();
    [LibraryImport(Name)] private static partial nint usearch_init(Options* options, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_free(nint index, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_reserve(nint index, nuint rows, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_change_threads_add(nint index, nuint threads, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_change_threads_search(nint index, nuint threads, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_change_expansion_search(nint index, nuint expansion, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_add(nint index, ulong key, nint row, int kind, ref nint error);
    [LibraryImport(Name)] private static partial nuint usearch_search(nint index, nint query, int kind, nuint k, nint keys, float* distances, ref nint error);
    [LibraryImport(Name)] private static partial nuint usearch_size(nint index, ref nint error);
    [LibraryImport(Name)] private static partial nuint usearch_serialized_length(nint index, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_save_buffer(nint index, nint bytes, nuint length, ref nint error);
    [LibraryImport(Name)] private static partial void usearch_view_buffer(nint index, nint bytes, nuint length, ref nint error);
}
