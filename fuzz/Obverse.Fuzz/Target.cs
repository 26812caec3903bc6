namespace Obverse.Fuzz;

/// <summary>One reader: what it is fed, what it may throw and how much it may allocate.</summary>
internal sealed record Target(string Name, string Extension)
{
    /// <summary>Whole inputs that mutation begins from: small, so that many fit into a second.</summary>
    public required Func<IReadOnlyList<byte[]>> Seeds { get; init; }

    /// <summary>More to change and to splice, which need not be readable as they are.</summary>
    public Func<IReadOnlyList<byte[]>> Donors { get; init; } = () => [];

    /// <summary>Changes that know the format, beside the ones of <see cref="ByteMutator"/>; null: bytes only.</summary>
    public Func<Random, byte[], byte[]>? Structured { get; init; }

    /// <summary>Reads the input as a program would.</summary>
    public required Action<byte[]> Read { get; init; }

    /// <summary>The errors that the reader's documentation names.</summary>
    public required IReadOnlyList<Type> Documented { get; init; }

    /// <summary>Managed bytes that an input of that length may cost: a factor and a constant (README.md).</summary>
    public required Func<long, long> Allowance { get; init; }
}
