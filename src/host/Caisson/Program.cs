using Caisson;

return Entry.Run(args);
