using Obverse;
using Obverse.Jobs;

public static class DrawAJob
{
    public static async Task Run(CancellationToken stop)
    {
        using var workshop = new Workshop { Threads = 1, OnRemark = Console.Error.WriteLine };   // models, loaded once for all jobs
        var request = new InversionRequest { Prompt = "a red apple", Recipe = "pyramid", Size = new(64, 64), Quality = Quality.Draft, Steps = 40, Seed = 7 };
        var job = request.Check(workshop).Job(workshop);                                         // a value: job.ToJson()

        await foreach (var at in job.Run(workshop, new Outputs("apple.png"), stop))              // stopped, it saves a checkpoint: Outputs.Resume
        {
            if (at is StepEvent step && step.Done % 10 == 0) Console.WriteLine($"{step.Done}/{step.Step.Count}  {step.Step.Similarity:F3}");
            if (at is JobFinished done) Console.WriteLine($"{done.File}, {done.Seconds:F1} s");
        }

        var again = InversionJob.FromPicture("apple.png");                                       // every picture holds its job
        again.Finish(workshop, new Outputs("again.png"));
        Console.WriteLine(File.ReadAllBytes("apple.png").SequenceEqual(File.ReadAllBytes("again.png")) ? "the same bytes" : "another picture");
    }
}
