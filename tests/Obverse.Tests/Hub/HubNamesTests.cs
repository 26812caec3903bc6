using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Xunit;

namespace Obverse.Tests.Hub;

public class HubNamesTests
{
    [Theory]
    [InlineData("config.json")]
    [InlineData("a/b/c.safetensors")]
    [InlineData(".gitattributes")]
    [InlineData("..a")]
    [InlineData("naïve name.txt")]
    public void Names_of_files_are_relative_paths(string name) => Assert.Equal(name, HubNames.File(name));

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("a/./x")]
    [InlineData("a//x")]
    [InlineData("a/")]
    [InlineData("a\\..\\x")]
    [InlineData("C:/x")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("\u001b[2J")]
    public void Names_that_could_lead_out_are_refused(string name)
    {
        Assert.Equal(HubFault.Untrustworthy, Assert.Throws<HubException>(() => HubNames.File(name)).Fault);
        Assert.Throws<FormatException>(() => HubNames.Revision(name));
    }

    [Fact]
    public void A_name_as_long_as_a_path_is_refused() => Assert.Throws<HubException>(() => HubNames.File(new string('a', 241)));

    [Theory]
    [InlineData("acme/thing", "acme/thing", "main")]
    [InlineData("acme/thing@v2", "acme/thing", "v2")]
    [InlineData("a.b_c-d/E.f@refs/pr/1", "a.b_c-d/E.f", "refs/pr/1")]
    [InlineData("gpt2", "gpt2", "main")]
    public void Repositories_are_named_by_owner_name_and_revision(string text, string id, string revision)
    {
        Assert.Equal(new(id, revision), HubRepository.Parse(text));
        Assert.Equal(text, HubRepository.Parse(text).ToString());
        Assert.Equal(id, HubRepository.IdOf(HubRepository.Parse(text).Folder));
    }

    [Theory]
    [InlineData("acme/thing/more")]
    [InlineData("../thing")]
    [InlineData("acme/..")]
    [InlineData("/thing")]
    [InlineData("acme/")]
    [InlineData("acme--x/thing")]
    [InlineData("acme/thing@")]
    [InlineData("acme/thing@../../x")]
    [InlineData("acme/thing.git")]
    [InlineData("a b/c")]
    [InlineData("acme\\thing")]
    public void Other_names_are_refused(string text)
    {
        Assert.Throws<FormatException>(() => HubRepository.Parse(text));
        Assert.Null(HubRepository.TryParse(text));
    }

    [Theory]
    [InlineData("\"abc\"", "abc")]
    [InlineData("W/\"abc\"", "abc")]
    [InlineData("abc", "abc")]
    public void Tags_lose_their_quotes(string etag, string bare) => Assert.Equal(bare, HubNames.Bare(etag));

    [Theory]
    [InlineData("*.json", "a/config.json", true)]
    [InlineData("*.json", "config.jsonl", false)]
    [InlineData("config.json", "xconfig.json", false)]
    [InlineData("tok?nizer*", "tokenizer_config.json", true)]
    [InlineData("[ab].txt", "b.txt", true)]
    [InlineData("[!ab].txt", "b.txt", false)]
    [InlineData("onnx/", "onnx/model.onnx", true)]
    [InlineData("a+b.txt", "a+b.txt", true)]
    public void Globs_are_Pythons(string glob, string name, bool matches) => Assert.Equal(matches, HubModelFiles.Matches(glob, name));

    [Theory]
    [InlineData("open_clip_model.safetensors model.safetensors pytorch_model.bin", "open_clip_model.safetensors")]
    [InlineData("model.safetensors pytorch_model.bin tf_model.h5", "model.safetensors")]
    [InlineData("model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model-x.safetensors pytorch_model.bin", "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json")]
    [InlineData("pytorch_model.bin flax_model.msgpack", "pytorch_model.bin")]
    [InlineData("open_clip_pytorch_model.bin pytorch_model.bin", "open_clip_pytorch_model.bin")]
    public void One_set_of_weights_is_chosen(string names, string chosen)
    {
        string[] others = ["config.json", "vocab.json", "merges.txt", "README.md", "onnx/model.onnx", "training_args.bin"];
        Assert.Equal([.. new[] { "README.md", "config.json", "merges.txt" }.Concat(chosen.Split(' ')).Append("vocab.json").Order(StringComparer.Ordinal)], new HubModelFiles().Choose([.. names.Split(' '), .. others]));
    }

    [Fact]
    public void Globs_choose_instead()
    {
        string[] names = ["config.json", "model.safetensors", "onnx/model.onnx", "pytorch_model.bin"];
        Assert.Equal(names, new HubModelFiles { All = true }.Choose(names));
        Assert.Equal(["onnx/model.onnx"], new HubModelFiles { Include = ["onnx/*"] }.Choose(names));
        Assert.Equal(["config.json", "pytorch_model.bin"], new HubModelFiles { Exclude = ["*.safetensors"] }.Choose(names)); // the next set
        Assert.Equal(["config.json"], new HubModelFiles { All = true, Exclude = ["*model*"] }.Choose(names));
    }

    [Fact]
    public void Settings_are_read_from_the_variables_of_the_Python_client()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "token"), " hf_file\n");
        HubSettings Of(params (string Name, string Value)[] set) => HubSettings.FromEnvironment(name => name == "HOME" ? "/home/me" : set.Where(s => s.Name == name).Select(s => s.Value).FirstOrDefault());
        Assert.Equal("/home/me/.cache/huggingface/hub", Of().Cache);
        Assert.Equal("/x/huggingface/hub", Of(("XDG_CACHE_HOME", "/x")).Cache);
        Assert.Equal("/h/hub", Of(("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")).Cache);
        Assert.Equal("/home/me/h/hub", Of(("HF_HOME", "~/h")).Cache);
        Assert.Equal("/old", Of(("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")).Cache);
        Assert.Equal("/new", Of(("HF_HUB_CACHE", "/new"), ("HUGGINGFACE_HUB_CACHE", "/old")).Cache);
        Assert.Equal("/h/c", Of(("HF_HOME", "/h"), ("HF_HUB_CACHE", "$HF_HOME/c")).Cache);
        Assert.Equal("http://127.0.0.1:8/", Of(("HF_ENDPOINT", "http://127.0.0.1:8/")).Endpoint.ToString());
        Assert.Throws<FormatException>(() => Of(("HF_ENDPOINT", "127.0.0.1")));
        Assert.Equal("HF_HUB_OFFLINE", Of(("HF_HUB_OFFLINE", "1")).Offline);
        Assert.Equal("TRANSFORMERS_OFFLINE", Of(("TRANSFORMERS_OFFLINE", "yes")).Offline);
        Assert.Null(Of(("HF_HUB_OFFLINE", "0"), ("TRANSFORMERS_OFFLINE", "1")).Offline); // the newer name wins, as there
        Assert.Null(Of().Token);
        Assert.Equal("hf_file", Of(("HF_HOME", folder.Path)).Token);
        Assert.Equal("hf_env", Of(("HF_HOME", folder.Path), ("HF_TOKEN", "hf_env")).Token);
        Assert.Null(Of(("HF_TOKEN", "hf_env"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        Assert.DoesNotContain("evil", Assert.Throws<FormatException>(() => Of(("HF_TOKEN", "a\r\nevil: x"))).Message, StringComparison.Ordinal);
        Assert.Equal(3, Of(("HF_HUB_DOWNLOAD_TIMEOUT", "3")).Patience.TotalSeconds);
    }
}
