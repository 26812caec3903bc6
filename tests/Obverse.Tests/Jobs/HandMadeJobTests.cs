using Obverse.Jobs;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Jobs;

/// <summary>Jobs made in code: what cannot be is told before the first step, and what is saved can be read back and drawn again.</summary>
[Collection("command line")] // the number of threads is asked for
public class HandMadeJobTests
{
    private static InversionRequest Request => new() { Prompt = "a red apple", Recipe = "pyramid", Models = ["pocket-clipag"], Size = new(32, 32), Steps = 2, Views = 1, Quality = Quality.Draft };

    [SkippableFact]
    public void A_picture_stores_the_threads_it_was_drawn_with_wherever_its_job_runs()
    {
        Skip.IfNot(Obverse.Models.Zoo.Names.Contains("pocket-clipag"), "models/pocket-clipag is not in this checkout");
        using var folder = new TemporaryFolder();
        using var workshop = new Workshop { Threads = 1 };
        var job = Request.Check(workshop).Job(workshop);
        Assert.Equal(1, job.Threads);
        byte[] Drawn(string name)
        {
            job.Finish(workshop, new Outputs(Path.Combine(folder.Path, name)));
            return File.ReadAllBytes(Path.Combine(folder.Path, name));
        }

        var here = Drawn("here.png");
        byte[]? there = null;
        var worker = new Thread(() =>
        {
            Runtime.Threads = 2;
            there = Drawn("there.png");
        });
        worker.Start();
        worker.Join();
        Assert.Equal(here, there);

        // A workshop that asks for no number: the thread's own, and that is what is stored.
        using var any = new Workshop();
        Runtime.Threads = 1;
        (job with { Threads = 7 }).Finish(any, new Outputs(Path.Combine(folder.Path, "any.png")));
        Assert.Equal(Runtime.Threads, InversionJob.FromPicture(Path.Combine(folder.Path, "any.png")).Threads);
    }

    [SkippableFact]
    public void What_would_be_lost_at_the_end_is_told_at_the_start()
    {
        Skip.IfNot(Obverse.Models.Zoo.Names.Contains("pocket-clipag"), "models/pocket-clipag is not in this checkout");
        using var folder = new TemporaryFolder();
        using var workshop = new Workshop { Threads = 1 };
        var job = Request.Check(workshop).Job(workshop);
        Exception Told(InversionJob of, string path)
        {
            var events = 0;
            var wrong = Assert.ThrowsAny<Exception>(() =>
            {
                foreach (var _ in of.Run(workshop, new Outputs(path)).ToBlockingEnumerable()) events++;
            });
            Assert.Equal(0, events);
            return wrong;
        }

        Assert.Contains("nowhere", Told(job, Path.Combine(folder.Path, "nowhere", "x.png")).Message, StringComparison.Ordinal);
        Assert.Contains("x.jpg: a picture keeps its job in a .png only", Told(job, Path.Combine(folder.Path, "x.jpg")).Message, StringComparison.Ordinal);
        Assert.Contains("[Part(\"a-name\")]", Told(job with { Recipe = job.Recipe with { Objective = new Unnamed() } }, Path.Combine(folder.Path, "x.png")).Message, StringComparison.Ordinal);
        Assert.Contains("models has 0 items", Told(job with { Models = [] }, Path.Combine(folder.Path, "x.png")).Message, StringComparison.Ordinal);
        Assert.Contains("recipe is null", Told(job with { Recipe = null! }, Path.Combine(folder.Path, "x.png")).Message, StringComparison.Ordinal);
        Assert.Contains("recipe.schedule.rate is NaN", Told(job with { Recipe = job.Recipe with { Schedule = job.Recipe.Schedule with { Rate = double.NaN } } }, Path.Combine(folder.Path, "x.png")).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [SkippableFact]
    public void A_request_that_cannot_be_is_refused_before_a_model_is_loaded()
    {
        Skip.IfNot(Obverse.Models.Zoo.Names.Contains("pocket-clipag"), "models/pocket-clipag is not in this checkout");
        using var workshop = new Workshop { Threads = 1 };
        void Refused(InversionRequest request, string says) => Assert.Contains(says, Assert.Throws<UsageException>(() => request.Check(workshop)).Message, StringComparison.Ordinal);
        Refused(Request with { Views = 0 }, "recipe 'pyramid': views.count is 0; a whole number from 1 to 1024 was wanted");
        Refused(Request with { Width = 7 }, "a side of 7 pixels was given; 8 to 8192 were wanted");
        Refused(Request with { Adapt = recipe => recipe with { Schedule = recipe.Schedule with { StepCount = -2 } }, Steps = null }, "schedule.stepCount is -2");
        Refused(Request with { Adapt = recipe => recipe with { Canvas = new Pyramid(Margin: 3) } }, "canvas.margin is 3");
        Assert.Throws<UsageException>(() => (Request with { Steps = 0 }).Check(workshop));
    }

    private sealed record Unnamed : Objective
    {
        public override Tensor Evaluate(Scene scene) => scene.Image.Mean();
    }
}
