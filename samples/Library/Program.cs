// The pieces of docs/library.md, one after another, in the folder it is called in.
await DrawAJob.Run(CancellationToken.None);
DrawMyRecipe.Run();
Classify.Run();
Search.Run();
Measure.Run();
AskWithAPicture.Run();
Restyle.Run();
