namespace Obverse.Training;

/// <summary>An emoji set and the words that distinguish its pictures from another set's.</summary>
/// <param name="Set">Its package name without the scope.</param>
/// <param name="Nouns">"a flat icon of a red apple".</param>
/// <param name="Adjectives">"a glossy red apple".</param>
public sealed record EmojiStyle(string Set, IReadOnlyList<string> Nouns, IReadOnlyList<string> Adjectives)
{
    static readonly EmojiStyle noto = new("noto", ["emoji", "cartoon drawing", "cartoon icon", "digital illustration"], ["cartoon", "colourful"]);
    static readonly EmojiStyle fluent = new("fluent-emoji", ["glossy 3D icon", "3D emoji", "shiny 3D render", "glossy emoji"], ["glossy", "shiny", "3D"]);
    static readonly EmojiStyle firefox = new("fxemoji", ["flat illustration", "soft pastel icon", "emoji", "vector drawing"], ["flat", "simple"]);
    static readonly EmojiStyle notoOld = new("noto-v1", ["old emoji", "cartoon emoji", "vector drawing", "emoji"], ["cartoon", "simple"]);
    static readonly EmojiStyle fluentFlat = new("fluent-emoji-flat", ["flat icon", "flat emoji", "flat vector drawing", "clean icon"], ["flat", "clean"]);
    static readonly EmojiStyle emojiOne = new("emojione", ["emoji", "shaded icon", "cartoon drawing", "sticker"], ["cartoon", "shaded"]);
    static readonly EmojiStyle twitter = new("twemoji", ["flat icon", "emoji", "simple flat drawing", "sticker"], ["flat", "simple"]);

    /// <summary>
    /// The set no model is trained on: <c>twemoji</c>, the one with the widest choice of things beside noto,
    /// drawn by nobody who drew another set, so that it asks whether a thing is known in a style never seen.
    /// </summary>
    public static EmojiStyle HeldOut => twitter;

    /// <summary>All seven, in the order they stand in the picture set.</summary>
    public static IReadOnlyList<EmojiStyle> All { get; } = [noto, fluent, firefox, notoOld, fluentFlat, emojiOne, twitter];

    /// <summary>
    /// The styles a model is trained on: pocket-judge has noto-v1, fluent-emoji-flat and emojione; every other model noto, fluent-emoji
    /// and fxemoji. The halves share no picture, so what pocket-clip draws is not scored by a model that learned from the same drawings.
    /// </summary>
    public static IReadOnlyList<EmojiStyle> SeenBy(string model) => model == "pocket-judge" ? [notoOld, fluentFlat, emojiOne] : [noto, fluent, firefox];

    public static EmojiStyle? Find(string set) => All.FirstOrDefault(style => style.Set == set);
}
