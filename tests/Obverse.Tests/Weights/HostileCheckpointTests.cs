using Obverse.Models;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Checkpoints;

/// <summary>Files that nobody's training wrote: each is refused in one line that says why, and costs next to nothing.</summary>
public sealed class HostileCheckpointTests(ITestOutputHelper output)
{
    private static readonly byte[] six = new byte[24];

    private static readonly Dictionary<string, (Func<byte[]> File, string Says)> cases = new()
    {
        ["os.system"] = (() => Pickle(p => p.Global("os", "system").Text("true").Op(0x85).Op('R')), "os.system"),
        ["os.system, protocol 4"] = (() => ZipWriter.Checkpoint(new PickleWriter(4).Text("os").Text("system").Op(0x93).End()), "os.system"),
        ["a name that only looks like ours"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_tensor_v2.__globals__")), "_rebuild_tensor_v2.__globals__"),
        ["torch.load within"] = (() => Pickle(p => p.Global("torch", "load")), "torch.load"),
        ["a name of many lines"] = (() => ZipWriter.Checkpoint(new PickleWriter(4).Text("a\nb\u001b[2J").Text("c").Op(0x93).End()), "a?b?[2J.c"),
        ["a module class outside a script"] = (() => Pickle(p => p.Global("__torch__", "M")), "__torch__.M"),
        ["complex numbers"] = (() => Pickle(p => p.Storage("0", "ComplexFloatStorage", 3)), "ComplexFloatStorage"),
        ["quantised numbers"] = (() => Pickle(p => p.Storage("0", "QInt8Storage", 3)), "QInt8Storage"),
        ["a call of a tensor"] = (() => Pickle(p => p.Tensor("0", 6, [6], [1]).Op(')').Op('R')), "calls"),
        ["a call of a storage"] = (() => Pickle(p => p.Global("torch", "FloatStorage").Op(')').Op('R')), "calls a storage"),
        ["an object of a function"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_tensor_v2").Op(')').Op(0x81)), "object"),
        ["a state for a tensor"] = (() => Pickle(p => p.Tensor("0", 6, [6], [1]).Op('}').Op('b')), "state"),
        ["an extension code"] = (() => Pickle(p => p.Op(0x82, 1)), "0x82"),
        ["INST"] = (() => Pickle(p => p.Op('(').Op((byte)'i').Op("os\nsystem\n"u8)), "0x69"),
        ["protocol 1"] = (() => ZipWriter.Checkpoint([0x80, 1, (byte)'N', (byte)'.']), "protocol is 1"),
        ["protocol 5"] = (() => ZipWriter.Checkpoint([0x80, 5, (byte)'N', (byte)'.']), "protocol is 5"),

        ["recall of nothing"] = (() => Pickle(p => p.Op((byte)'h', 9)), "recalls value 9"),
        ["a pop of nothing"] = (() => Pickle(p => p.Op('0')), "there is none"),
        ["a tuple without its mark"] = (() => Pickle(p => p.Op('t')), "mark"),
        ["an item without a value"] = (() => Pickle(p => p.Op('}').Op('(').Text("a").Op('u')), "no value"),
        ["marks, marks"] = (() => Pickle(p => Repeat(p, 100_000, q => q.Op('('))), "nested"),
        ["lists within lists"] = (() => Pickle(p => Repeat(Repeat(p, 5000, q => q.Op(']')), 4999, q => q.Op('a'))), "deep"),
        ["a list within itself"] = (() => Pickle(p => p.Op(']').Op((byte)'q', 0).Op((byte)'h', 0).Op('a')), "within itself"),
        ["a thousand million laughs"] = (() => Pickle(Laughs), "too often"),
        ["long names, again and again"] = (() => Pickle(LongNames), "too long"),
        ["an empty pickle"] = (() => ZipWriter.Checkpoint([]), "cut off"),
        ["no end"] = (() => ZipWriter.Checkpoint([0x80, 2, (byte)'N']), "cut off"),
        ["two values at the end"] = (() => Pickle(p => p.Op('N').Op('N')), "2 values"),

        ["a text of 2^60"] = (() => Pickle(p => p.Op(0x8D).Number(1L << 60, 8)), "1152921504606846976"),
        ["a text of 2^63"] = (() => Pickle(p => p.Op(0x8D).Number(long.MinValue, 8)), "9223372036854775808"),
        ["bytes of 2^60"] = (() => Pickle(p => p.Op(0x8E).Number(1L << 60, 8)), "1152921504606846976"),
        ["a number of 2^31 bytes"] = (() => Pickle(p => p.Op(0x8B).Number(int.MaxValue, 4)), "2147483647"),
        ["a frame of 2^60"] = (() => Pickle(p => p.Op(0x95).Number(1L << 60, 8)), "frame"),
        ["text that is not UTF-8"] = (() => Pickle(p => p.Op(0x8C, 1, 0xFF)), "UTF-8"),
        ["a name that does not end"] = (() => Pickle(p => p.Op('c').Op(new byte[5000])), "does not end"),

        ["a list for a key"] = (() => Pickle(p => p.Op('}').Op(']').Op('N').Op('s')), "key"),
        ["a tensor under a tuple"] = (() => Pickle(p => p.Op('}').Tuple(1, 2).Tensor("0", 6, [6], [1]).Op('s')), "neither text nor a whole number"),
        ["two tensors of one path"] = (() => Pickle(p => p.Op('}').Text("a.b").Tensor("0", 6, [6], [1]).Op('s').Text("a").Op('}').Text("b").Tensor("0", 6, [6], [1]).Op('s').Op('s')), "'a.b'"),
        ["1 and \"1\""] = (() => Pickle(p => p.Op('}').Text("1").Tensor("0", 6, [6], [1]).Op('s').Int(1).Tensor("0", 6, [6], [1]).Op('s')), "'1'"),

        ["strides that leave the storage"] = (() => One(6, [2, 3], [4, 1]), "ends at element 7"),
        ["an offset that leaves the storage"] = (() => One(6, [6], [1], 1), "ends at element 7"),
        ["an empty tensor beyond the storage"] = (() => One(6, [0], [1], 7), "ends at element 7"),
        ["a negative offset"] = (() => One(6, [1], [1], -1), "at -1"),
        ["a negative size"] = (() => One(6, [-1], [1]), "size or stride 0"),
        ["a negative stride"] = (() => One(6, [2], [-1]), "size or stride 0"),
        ["more elements than can be counted"] = (() => One(6, [1L << 62, 1L << 62, 4], [0, 0, 0]), "counted"),
        ["more, and none of them"] = (() => One(6, [1L << 62, 0, 1L << 62], [0, 0, 0]), "counted"),
        ["strides that overflow"] = (() => One(6, [1L << 20, 1L << 20], [long.MaxValue, long.MaxValue]), "ends at element"),
        ["terabytes of one number"] = (() => One(6, [1L << 40], [0]), "would take"),
        ["nine dimensions"] = (() => One(6, [1, 1, 1, 1, 1, 1, 1, 1, 6], [6, 6, 6, 6, 6, 6, 6, 6, 1]), "9 sizes"),
        ["fewer strides than sizes"] = (() => One(6, [2, 3], [1]), "2 sizes and 1 strides"),
        ["a size that is no number"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage("0", "FloatStorage", 6).Int(0).Op('(').Text("6").Op('t').Tuple(1).Op(0x89).OrderedDict().Op('t').Op('R')), "size or stride 0"),
        ["a tensor of no storage"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_tensor_v2").Op('(').Int(0).Int(0).Tuple(6).Tuple(1).Op(0x89).OrderedDict().Op('t').Op('R')), "a tensor is not"),
        ["a negative view"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage("0", "FloatStorage", 6).Int(0).Tuple(6).Tuple(1).Op(0x89).OrderedDict().Op('}').Text("neg").Op(0x88).Op('s').Op('t').Op('R')), "negative"),
        ["a storage shorter than the pickle says"] = (() => One(7, [7], [1]), "24 bytes, wanted 28"),
        ["a storage of -1"] = (() => One(-1, [0], [1]), "-1"),
        ["a storage of 2^62"] = (() => One(1L << 62, [6], [1]), "4611686018427387904"),
        ["a storage that is not there"] = (() => ZipWriter.Checkpoint(PickleWriter.One(6, [6], [1])), "missing"),
        ["a reference that is none"] = (() => Pickle(p => p.Text("0").Op('Q')), "reference"),
        ["a storage of no type"] = (() => Pickle(p => p.Op('(').Text("storage").Text("FloatStorage").Text("0").Text("cpu").Int(6).Op('t').Op('Q')), "no type"),
        ["a parameter of nothing"] = (() => Pickle(p => p.Global("torch._utils", "_rebuild_parameter").Op('N').Op(0x85).Op('R')), "parameter"),

        ["two members of one name"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", six).Add("a/data/0", six).End(), "two members"),
        ["a member that is another at its place"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", six, localName: "a/data/9").End(), "another"),
        ["a member within another"] = (() => new ZipWriter().Add("a/data/0", new ZipWriter().Add("a/data/1", six).End()).Add("a/data.pkl", Good()).Add("a/data/1", six, at: 64).End(), "overlap"),
        ["a member longer than the file"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", six, claim: 1 << 20).End(), "left"),
        ["a wide member longer than all"] = (() => new ZipWriter { IsWide = true }.Add("a/data.pkl", Good()).Add("a/data/0", six, claim: long.MaxValue).End(), "left"),
        ["a wide member that ends before it begins"] = (() => new ZipWriter { IsWide = true }.Add("a/data.pkl", Good()).Add("a/data/0", six, claim: -5).End(), "left"),
        ["more members than there are"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", six).End(members: 9), "directory"),
        ["2^60 members"] = (() => new ZipWriter { IsWide = true }.Add("a/data.pkl", Good()).End(members: 1L << 60), "directory"),
        ["a directory outside the file"] = (() => new ZipWriter { IsWide = true }.Add("a/data.pkl", Good()).End(start: 1L << 60), "directory"),
        ["an encrypted member"] = (() => new ZipWriter().Add("a/data.pkl", Good(), flags: 1).End(), "encrypted"),
        ["bzip2"] = (() => new ZipWriter().Add("a/data.pkl", Good(), method: 12).End(), "method 12"),
        ["deflated, and longer"] = (() => new ZipWriter().Add("a/data.pkl", Good(), deflate: true).Add("a/data/0", six, deflate: true, claim: 25).End(), "does not unpack"),
        ["deflated, and shorter"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", new byte[30], deflate: true, claim: 24).End(), "does not unpack"),
        ["not deflated at all"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/data/0", [.. Enumerable.Repeat((byte)255, 24)], method: 8).End(), "does not unpack"),
        ["zeros, well packed"] = (() => new ZipWriter().Add("a/data.pkl", PickleWriter.One(4 << 20, [4 << 20], [1])).Add("a/data/0", new byte[16 << 20], deflate: true).End(), "would take"),
        ["a pickle that unpacks to more than is allowed"] = (() => new ZipWriter().Add("a/data.pkl", [.. Good(), .. new byte[8 << 20]], deflate: true).End(), "unpacks to"),
        ["two pickles"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("b/data.pkl", Good()).End(), "2 members data.pkl"),
        ["no pickle"] = (() => new ZipWriter().Add("a/data/0", six).End(), "0 members data.pkl"),
        ["big-endian"] = (() => new ZipWriter().Add("a/data.pkl", Good()).Add("a/byteorder", "big"u8.ToArray()).Add("a/data/0", six).End(), "byte order"),

        ["a stream whose storage is short"] = (() => CheckpointWriter.Stream(Good(), ("0", 4, new byte[20])), "wanted 6"),
        ["a stream without its storage"] = (() => CheckpointWriter.Stream(Good()), "missing"),
        ["a stream with a storage of nobody"] = (() => CheckpointWriter.Stream(Good(), ("0", 4, six), ("1", 4, six)), "no tensor"),
        ["a stream with a storage twice"] = (() => CheckpointWriter.Stream(Good(), ("0", 4, six), ("0", 4, six)), "twice"),
        ["a plain pickle"] = (() => new PickleWriter().Op('}').End(), "magic"),
        ["nothing"] = (() => [], "neither"),
        ["a text"] = (() => "hello, world"u8.ToArray(), "neither"),
    };

    public static TheoryData<string> Names => [.. cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_refused_in_one_line(string name)
    {
        var said = Hostile.Refused(cases[name].File());
        output.WriteLine($"of {cases.Count} cases: {said}");
        Assert.Contains(cases[name].Says, said, StringComparison.Ordinal);
        Assert.StartsWith("bytes: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain(said, letter => char.IsControl(letter));
        Assert.True(said.Length < 600, said);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        foreach (var whole in new[] { ZipWriter.Checkpoint(Good(), ("0", six)), ZipWriter.Checkpoint("a", true, true, Good(), ("0", six)), CheckpointWriter.Stream(Good(), ("0", 4, six)) })
        {
            Assert.Null(Hostile.Read(whole));
            for (var length = 0; length < whole.Length; length++) Hostile.Refused(whole[..length]);
        }
    }

    private static byte[] Good() => PickleWriter.One(6, [2, 3], [3, 1]);

    private static byte[] One(long elements, long[] shape, long[] strides, long offset = 0) => ZipWriter.Checkpoint(PickleWriter.One(elements, shape, strides, offset), ("0", six));

    private static byte[] Pickle(Func<PickleWriter, PickleWriter> body) => ZipWriter.Checkpoint(body(new PickleWriter()).End(), ("0", six));

    private static PickleWriter Repeat(PickleWriter pickle, int times, Func<PickleWriter, PickleWriter> step)
    {
        for (var i = 0; i < times; i++) step(pickle);
        return pickle;
    }

    // Each dictionary has the one before twice: 2^40 paths.
    private static PickleWriter Laughs(PickleWriter pickle)
    {
        pickle.Op('}').Op((byte)'q', 0).Op('0');
        for (byte i = 1; i <= 40; i++) pickle.Op('}').Text("a").Op((byte)'h', (byte)(i - 1)).Op('s').Text("b").Op((byte)'h', (byte)(i - 1)).Op('s').Op((byte)'q', i).Op('0');
        return pickle.Op((byte)'h', 40);
    }

    // A name of 4,000 letters on the way to every one of many tensors.
    private static PickleWriter LongNames(PickleWriter pickle)
    {
        pickle.Op('}').Text(new string('x', 4000)).Op('}').Op('(');
        pickle.Text("0").Tensor("0", 6, [6], [1]).Op((byte)'q', 7);
        for (var i = 1; i < 500; i++) pickle.Text(i.ToString(System.Globalization.CultureInfo.InvariantCulture)).Op((byte)'h', 7);
        return pickle.Op('u').Op('s');
    }
}
