return Obverse.Cli.CommandLine.Run(args);
