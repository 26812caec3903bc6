using System.CommandLine;
using System.CommandLine.Parsing;
using Obverse.Cli.Commands;

namespace Obverse.Cli;

/// <summary>The program: one command a file in Commands/. Exit codes: 0 done, 1 failed, 2 asked for wrongly.</summary>
public static class CommandLine
{
    /// <summary>With this process's own terminal.</summary>
    public static int Run(IReadOnlyList<string> args)
    {
        using var interrupt = new Interrupt();
        return Run(args, new Screen(Console.Out, Console.Error, interrupt.Token) { IsLive = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb") });
    }

    /// <summary>Inside another program: what is said goes to the writers; the token is what Ctrl-C is at a terminal.</summary>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken stop = default) => Run(args, new Screen(output, error, stop));

    private static int Run(IReadOnlyList<string> args, Screen screen)
    {
        var root = Root(screen);
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }); // "@home" is a prompt like any other
        if (parsed.Action is System.CommandLine.Invocation.ParseErrorAction)
        {
            var command = Path(parsed.CommandResult);
            return screen.Fail(parsed.CommandResult.Command == root && args.Count == 0 ? $"no command given; `obverse --help` lists them" : $"{parsed.Errors[0].Message.TrimEnd('.')}; see `{command} --help`", 2);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = screen.Out, Error = screen.Error, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e)
        {
            if (args.Contains("--debug")) screen.Error.WriteLine(e);
            var (message, code) = Failures.Tell(e);
            return screen.Fail(message, code);
        }
    }

    private static RootCommand Root(Screen screen)
    {
        var root = new RootCommand(
            """
            Obverse runs CLIP backwards: from a sentence to a picture, on an ordinary computer, offline.

              obverse invert "a tabby cat"
              obverse invert "a fox | watercolour:0.4 | blurry:-0.3" --n 4
              obverse replay a-tabby-cat.png --check
            """)
        {
            InvertCommand.Create(screen),
            RenderCommand.Create(screen),
            ReplayCommand.Create(screen),
            RecipesCommand.Create(screen),
            ViewsCommand.Create(screen),
            EmbedCommand.Create(screen),
            ClassifyCommand.Create(screen),
            JudgeCommand.Create(screen),
            GalleryCommand.Create(screen),
            DataCommand.Create(screen),
            InfoCommand.Create(screen),
            new Option<bool>("--debug") { Description = "Show where an error came from.", Recursive = true },
        };
        return root;
    }

    private static string Path(CommandResult command) => command.Parent is CommandResult parent ? $"{Path(parent)} {command.Command.Name}" : "obverse";
}
