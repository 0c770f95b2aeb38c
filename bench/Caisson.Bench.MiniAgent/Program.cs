using Caisson.Bench.MiniAgent;

return Init.Run();
