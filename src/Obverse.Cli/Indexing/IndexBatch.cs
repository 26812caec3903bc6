using System.Text;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>What one step of a build adds: pictures and captions seen for the first time, with their embeddings, and rows of them.</summary>
internal sealed record IndexBatch(IReadOnlyList<EmbeddedPicture> Pictures, IReadOnlyList<EmbeddedCaption> Captions, IReadOnlyList<IndexedPicture> Rows)
{
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes, Encoding.UTF8);
        to.Write(Pictures.Count);
        foreach (var picture in Pictures)
        {
            to.Write(picture.Sha256);
            Write(to, picture.Embedding);
            to.Write(picture.Thumbnail.Length);
            to.Write(picture.Thumbnail);
        }

        to.Write(Captions.Count);
        foreach (var caption in Captions)
        {
            to.Write(caption.Text);
            Write(to, caption.Embedding);
        }

        to.Write(Rows.Count);
        foreach (var row in Rows)
        {
            to.Write(row.Caption);
            to.Write(row.Path);
            to.Write(row.Sha256);
        }

        to.Flush();
        return bytes.ToArray();
    }

    public static IndexBatch FromBytes(byte[] bytes)
    {
        using var from = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        return new(
            Many(() => new EmbeddedPicture(from.ReadString(), Floats(from), from.ReadBytes(from.ReadInt32()))),
            Many(() => new EmbeddedCaption(from.ReadString(), Floats(from))),
            Many(() => new IndexedPicture(from.ReadString(), from.ReadString(), from.ReadString())));

        T[] Many<T>(Func<T> one) => [.. Enumerable.Range(0, from.ReadInt32()).Select(_ => one())];
    }

    private static void Write(BinaryWriter to, float[] numbers)
    {
        to.Write(numbers.Length);
        foreach (var number in numbers) to.Write(number);
    }

    private static float[] Floats(BinaryReader from)
    {
        var numbers = new float[from.ReadInt32()];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = from.ReadSingle();
        return numbers;
    }
}

/// <param name="Thumbnail">A JPEG; empty where none is kept.</param>
internal sealed record EmbeddedPicture(string Sha256, float[] Embedding, byte[] Thumbnail);

internal sealed record EmbeddedCaption(string Text, float[] Embedding);
