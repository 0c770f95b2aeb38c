using Caisson.Agent;
using Caisson.Containers;

// The agent has several threads, so a container's init is this executable again, with one. The kernel gives PID 1 what it does not
// understand of its command line, so the verb counts in other processes only.
return Environment.ProcessId != 1 && args is [AgentProgram.InitVerb, .. string[] rest] ? ContainerInit.RunFromVerb(rest) : AgentProgram.Run();
