return Caisson.Fuzz.Entry.Run(args);
