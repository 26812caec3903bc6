using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Torch;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class InvertTests
{
    [Theory]
    [InlineData("pyramid")]
    [InlineData("das")]
    [InlineData("clip-inv")]
    [InlineData("implicit-plain")]
    public void A_picture_replays_to_the_same_bytes(string recipe)
    {
        using var program = new Program();
        var drawn = program.Run("invert", "a red fox | cat:-0.3", "--recipe", recipe, "--model", program.Model, "--steps", "4", "--views", "2", "--size", "40x32", "--seed", "7", "--out", program["fox.png"]);
        Assert.Equal((0, 1), (drawn.Code, drawn.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));

        var picture = Picture.Load(program["fox.png"]);
        Assert.Equal((40, 32), (picture.Width, picture.Height));
        var run = InversionJob.FromPicture(program["fox.png"]);
        Assert.Equal((7ul, 4, 2, recipe), (run.Seed, run.Recipe.Schedule.StepCount, run.Recipe.Views.Count, run.Recipe.Name));

        Assert.Equal(0, program.Run("replay", program["fox.png"], "-o", program["again.png"]).Code);
        Assert.Equal(program.Bytes("fox.png"), program.Bytes("again.png"));
        Assert.Equal(0, program.Run("replay", program["fox.png"], "--check").Code);
        Assert.Equal(["again.png", "fox.png"], program.Files);
    }

    [Theory]
    [InlineData("pyramid", 2)]
    [InlineData("das", 3)]
    [InlineData("clip-inv", 4)] // between its growths
    [InlineData("implicit-plain", 1)]
    public void A_resumed_run_gives_the_bytes_of_one_that_was_not_stopped(string recipe, int stop)
    {
        using var program = new Program();
        string[] ask = ["invert", "a cat", "--recipe", recipe, "--model", program.Model, "--steps", "8", "--views", "2", "--size", "32"];
        Assert.Equal(0, program.Run([.. ask, "--out", program["whole.png"]]).Code);
        var stopped = program.Stopped(stop, [.. ask, "--out", program["part.png"]]);
        Assert.Equal(1, stopped.Code);
        Assert.Contains("--resume", stopped.Line);
        Assert.Equal(["part.checkpoint.safetensors", "part.png", "whole.png"], program.Files);
        Assert.Equal(stop, InversionJob.FromPicture(program["part.png"]).StoppedAfter);
        Assert.Equal(0, program.Run("replay", program["part.png"], "--check").Code); // what was stopped replays to where it was stopped

        Assert.Equal(0, program.Run("invert", "--resume", program["part.checkpoint.safetensors"]).Code);
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("part.png"));
    }

    [Fact]
    public void Json_lines_tell_of_every_step_and_of_nothing_else()
    {
        using var program = new Program();
        var drawn = program.Run("invert", "a cat", "--model", program.Model, "--steps", "3", "--views", "1", "--out", program["cat.png"], "--json");
        Assert.Equal((0, ""), (drawn.Code, drawn.Error));
        Assert.Equal(["start", "step", "step", "step", "result"], drawn.Lines.Select(line => line.GetProperty("event").GetString()));
        Assert.Equal(program["cat.png"], drawn.Lines[^1].GetProperty("file").GetString());
        Assert.All(drawn.Lines[1..^1], line => Assert.True(line.GetProperty("loss").GetDouble() > 0));
    }

    [Fact]
    public void Several_pictures_have_seeds_of_their_own_and_replay_alone()
    {
        using var program = new Program();
        var drawn = program.Run("invert", "a cat", "--model", program.Model, "--steps", "2", "--views", "1", "--n", "3", "--seed", "5", "--out", program["cat.png"]);
        Assert.Equal(0, drawn.Code);
        Assert.Equal(["cat-seed5.png", "cat-seed6.png", "cat-seed7.png", "cat-sheet.png"], program.Files);
        Assert.Equal(0, program.Run("replay", program["cat-seed6.png"], "--check").Code);
        program.Run("invert", "a cat", "--model", program.Model, "--steps", "2", "--views", "1", "--seed", "6", "--out", program["alone.png"]);
        Assert.Equal(program.Bytes("cat-seed6.png"), program.Bytes("alone.png"));
    }

    [Fact]
    public void Frames_film_and_canvas_are_written_beside_the_picture()
    {
        using var program = new Program();
        var drawn = program.Run("invert", "a cat", "--model", program.Model, "--steps", "10", "--views", "1", "--every", "5", "--film", program["cat.gif"], "--save", program["cat.safetensors"], "--out", program["cat.png"]);
        Assert.Equal(0, drawn.Code);
        Assert.Equal(["cat-step05.png", "cat-step10.png", "cat.gif", "cat.png", "cat.safetensors"], program.Files);
        Assert.Equal(Picture.Load(program["cat.png"]).Rgb, Picture.Load(program["cat-step10.png"]).Rgb);
    }

    [Theory]
    [InlineData("pyramid")]
    [InlineData("implicit-plain")]
    public void A_saved_canvas_and_its_picture_render_alike_at_any_size(string recipe)
    {
        using var program = new Program();
        program.Run("invert", "a cat", "--recipe", recipe, "--model", program.Model, "--steps", "3", "--views", "1", "--save", program["cat.safetensors"], "--out", program["cat.png"]);
        Assert.Equal(0, program.Run("render", program["cat.safetensors"], "--size", "80x64", "-o", program["a.png"]).Code);
        Assert.Equal(0, program.Run("render", program["cat.png"], "--size", "80x64", "-o", program["b.png"]).Code);
        var large = Picture.Load(program["a.png"]);
        Assert.Equal((80, 64), (large.Width, large.Height));
        Assert.Equal(program.Bytes("a.png"), program.Bytes("b.png"));
        Assert.Equal(0, program.Run("replay", program["a.png"], "--check").Code); // the size it is shown at is part of the run
        program.Run("invert", "a cat", "--recipe", recipe, "--model", program.Model, "--steps", "3", "--views", "1", "--show-size", "80x64", "--out", program["c.png"]);
        Assert.Equal(program.Bytes("a.png"), program.Bytes("c.png"));
    }

    [Fact]
    public void Where_the_mask_is_black_the_start_picture_stays()
    {
        using var program = new Program();
        Flat(32, 200).Save(program["start.png"]);
        var mask = new byte[32 * 32 * 3];
        Array.Fill(mask, (byte)255, 0, mask.Length / 2); // the upper half may change
        new Picture(32, 32, mask).Save(program["mask.png"]);
        var drawn = program.Run("invert", "a cat", "--toward", program["start.png"] + ":0.2", "--model", program.Model, "--steps", "6", "--views", "1", "--start", program["start.png"], "--mask", program["mask.png"], "--out", program["cat.png"]);
        Assert.Equal(0, drawn.Code);
        var picture = Picture.Load(program["cat.png"]);
        Assert.All(picture.Rgb[(20 * 32 * 3)..].ToArray(), v => Assert.Equal(200, v));
        Assert.Contains(picture.Rgb[..(12 * 32 * 3)].ToArray(), v => v != 200);
        Assert.Equal(0, program.Run("replay", program["cat.png"], "--check").Code);

        Flat(32, 100).Save(program["start.png"]);
        Assert.Equal(1, program.Run("replay", program["cat.png"], "--check").Code); // it is not the picture that the run began with
    }

    [Theory]
    [InlineData("pyramid")]
    [InlineData("das")]
    [InlineData("clip-inv")]
    [InlineData("implicit-plain")]
    public void No_tensors_are_left(string recipe)
    {
        using var program = new Program();
        Flat(32, 200).Save(program["start.png"]);
        string[] start = recipe == "implicit-plain" ? [] : ["--start", program["start.png"], "--mask", program["start.png"]];
        Alone.Sweep();
        var before = Tensor.Live;
        var drawn = program.Run(["invert", "a cat | a dog:-0.1", "--recipe", recipe, "--model", program.Model, "--steps", "4", "--views", "2", "--size", "32", "--toward", program["start.png"], .. start, "--save", program["c.safetensors"], "--out", program["cat.png"], "--film", program["f.gif"]]);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Equal(0, program.Run("render", program["c.safetensors"], "--size", "40", "-o", program["r.png"]).Code);
        Assert.Equal(before, Tensor.Live);
    }

    [Fact]
    public void A_time_chooses_steps_and_the_run_remembers_them()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run("invert", "a cat", "--model", program.Model, "--time", "2s", "--out", program["cat.png"]).Code);
        Assert.NotEqual(Recipes.Named("pyramid").Schedule.StepCount, InversionJob.FromPicture(program["cat.png"]).Recipe.Schedule.StepCount);
        Assert.Equal(0, program.Run("replay", program["cat.png"], "--check").Code);
    }

    [Fact]
    public void What_differs_from_the_stored_job_is_reported()
    {
        using var program = new Program();
        program.Run("invert", "a cat", "--model", program.Model, "--steps", "2", "--views", "1", "--threads", "1", "--out", program["cat.png"]);
        Assert.Contains("2 threads, the job had 1", program.Run("replay", program["cat.png"], "--threads", "2", "-o", program["b.png"]).Error);
        using (var random = new Generator(9))
        using (var other = ClipModel.New(ClipConfig.Load(Path.Combine(program.Model, "open_clip_config.json")), random)) other.Save(program.Model);
        var replayed = program.Run("replay", program["cat.png"], "--check");
        Assert.Equal(1, replayed.Code);
        Assert.Contains("the weights of", replayed.Error);
    }

    private static Picture Flat(int side, byte value)
    {
        var rgb = new byte[side * side * 3];
        Array.Fill(rgb, value);
        return new(side, side, rgb);
    }

    [Fact]
    public void A_replay_says_that_the_words_of_a_model_that_takes_them_from_another_have_changed()
    {
        using var program = new Program();
        using (var toy = ClipModel.Load(program.Model)) toy.Save(program["eye"], textOf: "toy");
        Assert.Equal(0, program.Run("invert", "a red fox", "--recipe", "pyramid", "--quality", "draft", "--size", "32", "--steps", "2", "--views", "2", "--no-judge", "--model", program["eye"], "--out", program["fox.png"]).Code);
        Assert.Equal(0, program.Run("replay", program["fox.png"], "--check").Code);
        File.Copy(Path.Combine(program.Another(seed: 4), "open_clip_model.safetensors"), Path.Combine(program.Model, "open_clip_model.safetensors"), overwrite: true);
        var again = program.Run("replay", program["fox.png"], "--check");
        Assert.Equal(1, again.Code);
        Assert.Contains("the text encoder of", again.Error);
    }

    [Fact]
    public void Exact_leaves_the_pace_out_and_a_time_goes_with_one()
    {
        using var program = new Program();
        Recipe Drawn(params string[] more)
        {
            var answer = program.Run(["invert", "a red fox", "--recipe", "implicit-plain", "--views", "2", "--size", "40", "--no-judge", "--model", program.Model, "--out", program["x.png"], .. more]);
            Assert.True(answer.Code == 0, answer.Error);
            return InversionJob.FromPicture(program["x.png"]).Recipe;
        }

        Assert.NotNull(Drawn("--steps", "2").Schedule.Progressive);
        Assert.Null(Drawn("--steps", "2", "--exact").Schedule.Progressive);
        var timed = Drawn("--time", "3s"); // on a slow machine a draft, which has none
        Assert.Equal(timed.Canvas == Recipes.ImplicitPlain(Quality.Draft).Canvas, timed.Schedule.Progressive is null);
    }
}
