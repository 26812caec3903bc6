using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Obverse.Cli.Commands;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>The program: one command a file in Commands/. Exit codes: 0 success, 1 failure, 2 usage error.</summary>
public static class CommandLine
{
    /// <summary>With this process's own terminal.</summary>
    public static int Run(IReadOnlyList<string> args)
    {
        using var interrupt = new Interrupt();
        var (output, error) = (new SteadyWriter(Console.Out), new SteadyWriter(Console.Error));
        var screen = new Screen(output, error, interrupt.Token) { IsLive = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb") };
        var code = Run(args, screen);
        output.Flush();
        // Progress may be lost without a word; a result may not.
        return output.Problem is { } lost && code == 0 ? screen.Fail($"done, but standard output cannot be written: {lost}", 1) : code;
    }

    /// <summary>Inside another program: output goes to the writers; the token stands for Ctrl-C.</summary>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error, CancellationToken stop = default) => Run(args, new Screen(output, error, stop));

    private static int Run(IReadOnlyList<string> args, Screen screen)
    {
        var root = Root(screen);
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }); // "@home" is a prompt like any other
        if (parsed.Action is ParseErrorAction)
        {
            if (args.Count == 0) return screen.Fail("no command given; `obverse --help` lists them", 2);
            // Of several errors the most specific: our own about an option's value, then unknown arguments.
            var message = parsed.Errors.Select(error => error.Message.TrimEnd('.')).OrderByDescending(error => error.StartsWith("--", StringComparison.Ordinal) ? 2 : error.Contains('\'') ? 1 : 0).First();
            return screen.Fail($"{message}; see `{NameOf(parsed.CommandResult)} --help`", 2);
        }

        // Commands that take any number of files would take an option that they do not have for one; behind "--" anything is a name.
        if (!args.Contains("--") && parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal) && !Path.Exists(token.Value)) is { } unknown)
        {
            return screen.Fail($"no option '{unknown.Value}'; see `{NameOf(parsed.CommandResult)} --help`", 2);
        }

        // In a list of commands the first sentence is enough.
        foreach (var listed in parsed.CommandResult.Command.Subcommands) listed.Description = FirstSentence(listed.Description ?? "");
        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = screen.Out, Error = screen.Error, EnableDefaultExceptionHandler = false });
        }
        catch (Exception e)
        {
            if (args.Contains("--debug")) foreach (var traced in e.ToString().ReplaceLineEndings("\n").Split('\n')) screen.Progress(traced);
            var (line, code) = Failures.Describe(e);
            return screen.Fail(line, code);
        }
    }

    private static Command Root(Screen screen)
    {
        var root = new Command("obverse",
            """
            Obverse draws pictures from text by running CLIP backwards, on an ordinary computer, offline.

              obverse invert "a tabby cat"
              obverse invert "a fox | watercolour:0.4 | blurry:-0.3" --n 4
              obverse replay a-tabby-cat.png --check

            `obverse COMMAND --help` describes a command, with examples.
            """)
        {
            InvertCommand.Create(screen),
            ReconstructCommand.Create(screen),
            EditCommand.Create(screen),
            RestyleCommand.Create(screen),
            DiffuseCommand.Create(screen),
            VaryCommand.Create(screen),
            StoryCommand.Create(screen),
            TuneCommand.Create(screen),
            IpcCommand.Create(screen),
            ProbeCommand.Create(screen),
            RenderCommand.Create(screen),
            ReplayCommand.Create(screen),
            RecipesCommand.Create(screen),
            ViewsCommand.Create(screen),
            EmbedCommand.Create(screen),
            IndexCommand.Create(screen),
            BankCommand.Create(screen),
            ClassifyCommand.Create(screen),
            JudgeCommand.Create(screen),
            GradientsCommand.Create(screen),
            CompareCommand.Create(screen),
            EvalCommand.Create(screen),
            BatchCommand.Create(screen),
            GalleryCommand.Create(screen),
            AblateCommand.Create(screen),
            DataCommand.Create(screen),
            TrainCommand.Create(screen),
            ModelsCommand.Create(screen),
            BenchCommand.Create(screen),
            InfoCommand.Create(screen),
            new HelpOption(),
            new VersionOption(),
            new Option<bool>("--debug") { Description = "Show the stack trace of an error.", Recursive = true },
        };
        return root;
    }

    private static string FirstSentence(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        var end = line.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? line : line[..(end + 1)];
    }

    private static string NameOf(CommandResult command) => command.Parent is CommandResult parent ? $"{NameOf(parent)} {command.Command.Name}" : "obverse";
}
