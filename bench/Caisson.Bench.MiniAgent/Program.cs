using Caisson.Bench.MiniAgent;

// The kernel gives its unknown parameters to its first process, too: only the word itself counts.
return args is ["traffic", var direction] ? Traffic.Run(direction) : Init.Run();
