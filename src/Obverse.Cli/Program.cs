using Obverse.Jobs;

return Obverse.Cli.CommandLine.Run(args);
