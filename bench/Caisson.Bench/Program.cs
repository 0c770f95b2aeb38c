using Caisson.Bench;

return Entry.Run(args);
