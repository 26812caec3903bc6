using System.Diagnostics;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Spectre.Console;

namespace Obverse.Cli;

/// <summary>On a terminal: a bar, the numbers and the current picture, updated in place.</summary>
internal sealed class LiveProgress(Screen screen) : ProgressView(screen)
{
    private const double PictureEverySeconds = 0.5, NumbersEverySeconds = 0.25;
    private const int BarWidth = 32;

    public override void During(Action<Action<StepEvent>> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Screen.Error) });
        var showsPicture = console.Profile.Capabilities is { Ansi: true, Unicode: true, ColorSystem: ColorSystem.TrueColor or ColorSystem.EightBit };
        var watch = Stopwatch.StartNew();
        var (nextPicture, nextNumbers) = (0.0, 0.0);
        HalfBlocks? picture = null;
        StepEvent? last = null;
        HalfBlocks Preview(StepEvent at) => HalfBlocks.Of(at.Picture(), 32, Math.Max(4, console.Profile.Height - 6));
        console.Live(new Text("")).AutoClear(true).Start(live => work(at =>
        {
            last = at;
            var now = watch.Elapsed.TotalSeconds;
            if (now < nextNumbers && at.Done < at.Step.Count) return;
            nextNumbers = now + NumbersEverySeconds;
            if (showsPicture && now >= nextPicture)
            {
                nextPicture = now + PictureEverySeconds;
                picture = Preview(at);
            }

            var rows = new List<Spectre.Console.Rendering.IRenderable> { new Text(Visible.Of(Visible.Start(at.Title, DrawingSession.LongestTitle)), new Style(decoration: Decoration.Bold)) };
            if (picture is not null) rows.Add(picture);
            rows.Add(new Markup($"{Bar(at)} {at.Done}/{at.Step.Count}"));
            rows.Add(new Text($"{Loss(at)}{Similarity(at)}  {Speed(at)}".TrimStart()));
            rows.Add(new Text("Ctrl-C stops and saves picture and checkpoint", new Style(Color.Grey)));
            live.UpdateTarget(new Rows(rows));
            live.Refresh();
        }));
        if (showsPicture && last is not null) console.Write(Preview(last)); // the last picture stays on the screen
    }

    private static string Bar(StepEvent at)
    {
        var full = (int)((long)BarWidth * at.Done / at.Step.Count);
        return $"[green]{new string('━', full)}[/][grey35]{new string('━', BarWidth - full)}[/]";
    }
}
