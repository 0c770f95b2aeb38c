using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>Reads the command line, runs the command, and turns whatever goes wrong into one line and an exit code.</summary>
internal static class Entry
{
    internal static int Run(string[] words)
    {
        if (ShimCommandLine.IsShim(Environment.GetCommandLineArgs()[0]))
        {
            return ShimEntry.Run(Environment.GetCommandLineArgs()[0], words);
        }

        // Before the global flags are read, nobody knows of a log file.
        var log = new CommandLog(file: null, json: false, debug: false);
        Command? command = null;
        try
        {
            (GlobalOptions globals, string[] rest, string? text) = CommandLineReader.ReadGlobals(words);
            log = new CommandLog(globals.LogFile, globals.LogsJson, globals.Debug);
            if (text is null)
            {
                CommandLineReader.Request request = CommandLineReader.ReadCommand(globals, rest, log);
                if (request.Command is not null)
                {
                    command = request.Command;
                    Prepare(command, request.Invocation!);
                    int code = command.Run(request.Invocation!);
                    if (!command.TakesRawWords)
                    {
                        ProcessExit.Now(code);
                    }

                    return code;
                }

                text = request.Text!;
            }

            StandardStream.Output.Write(text);
            return 0;
        }
        catch (UsageException wrong)
        {
            log.Error(wrong.Message);
            return wrong.ExitCode;
        }
        catch (InterruptedException told)
        {
            log.Error($"{command?.FailurePrefix}{told.Message}; what it had begun has been undone");
            return 128 + (int)told.Signal;
        }
        catch (Exception cause)
        {
            log.Error((command?.FailurePrefix ?? "") + Explain(cause));
            if (log.IsDebug)
            {
                log.Debug(cause.ToString());
            }

            return command?.FailureCode ?? 1;
        }
    }

    // The entry point has blocked the signals that a foreground command passes on, and knew nothing of commands.
    private static void Prepare(Command command, Invocation invocation)
    {
        if (command.EntersContainer)
        {
            ProtectedProgram.Enter(command.PassesSignals(invocation.Flags));
        }

        if (!command.TakesRawWords && !command.PassesSignals(invocation.Flags))
        {
            SignalState.Unblock(ForegroundSession.Taken);
        }
    }

    // The known kinds carry a message written for the user; anything else is a defect, and its kind helps to report it.
    private static string Explain(Exception cause) => cause switch
    {
        SandboxException or ContainerException or SpecException or SyscallException => cause.Message,
        IOException or UnauthorizedAccessException => Failure.Describe(cause),
        OutOfMemoryException => "out of memory",
        _ => $"internal error: {cause.GetType().Name}: {cause.Message} (--debug shows where)",
    };
}
