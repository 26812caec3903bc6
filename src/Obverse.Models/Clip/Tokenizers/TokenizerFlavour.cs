namespace Obverse.Models;

/// <summary>How one library cleans, splits and pads where the three differ; the merges are the same.</summary>
public sealed record TokenizerFlavour
{
    public required string Name { get; init; }
    public required string StartWord { get; init; }
    public required string EndWord { get; init; }

    /// <summary>Mend mojibake, quotes, ligatures and HTML first, as <c>ftfy.fix_text</c> and <c>html.unescape</c> do.</summary>
    public required bool Repairs { get; init; }

    /// <summary>transformers fills a row with the end id; the others with 0.</summary>
    public required bool PadsWithEnd { get; init; }

    /// <summary>transformers looks for special tokens before cleaning, so only in lower case.</summary>
    public required bool SpecialsBeforeCleaning { get; init; }

    /// <summary>The regex module's ignore-case takes the long s (U+017F) of an apostrophe-s for an s.</summary>
    public required bool LongSIsS { get; init; }

    /// <summary>transformers strips what it decoded and leaves special tokens out.</summary>
    public required bool TrimsDecoded { get; init; }

    /// <summary>A plural that the vocabulary cuts up is encoded as its singular, unless that takes more pieces. Ours: no other library does it.</summary>
    public bool TakesSingulars { get; init; }

    public static TokenizerFlavour OpenAi { get; } = new()
    {
        Name = "openai",
        StartWord = "<|startoftext|>",
        EndWord = "<|endoftext|>",
        Repairs = true,
        PadsWithEnd = false,
        SpecialsBeforeCleaning = false,
        LongSIsS = true,
        TrimsDecoded = false,
    };

    /// <summary>open_clip 3.x: its special words are spelt differently; all else is openai/CLIP's.</summary>
    public static TokenizerFlavour OpenClip { get; } = OpenAi with { Name = "open_clip", StartWord = "<start_of_text>", EndWord = "<end_of_text>" };

    public static TokenizerFlavour HuggingFace { get; } = OpenAi with
    {
        Name = "hf",
        Repairs = false,
        PadsWithEnd = true,
        SpecialsBeforeCleaning = true,
        LongSIsS = false,
        TrimsDecoded = true,
    };

    public override string ToString() => Name;
}
