using System.Collections;
using Caisson.Linux;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// Executes this program again from a stand-in that nobody can write (CVE-2019-5736): a process of a container could otherwise reach
/// the executable through /proc/PID/exe of a command that has entered its namespaces. The entry point (ProtectedEntry.s) has usually done
/// so before the runtime started; what it leaves is done here: a copy in sealed memory where no mount may be cloned.
/// </summary>
internal static class ProtectedProgram
{
    /// <summary>Returns when this process runs from the stand-in; the words and the environment are the same.</summary>
    /// <param name="blockSignals">
    /// Whether the signals that a foreground command passes on are to be blocked. Only here it can be done for every thread: a mask
    /// survives the execution, and the runtime's threads of the new program inherit it.
    /// </param>
    internal static void Enter(bool blockSignals)
    {
        // An executable on a read-only file system needs no stand-in, but its threads may still have to begin anew.
        bool masked = !blockSignals || (SignalState.Block(ForegroundSession.Taken).Bits & ForegroundSession.Taken.Bits) == ForegroundSession.Taken.Bits;
        if (masked && SelfExecutable.IsProtected)
        {
            return;
        }

        using FileFd standIn = SelfExecutable.OpenProtected();
        using PreparedExec program = PreparedExec.OfDescriptor(standIn, Environment.GetCommandLineArgs(), Variables());
        throw new SyscallException("execveat(caisson, from its stand-in)", program.Execute());
    }

    private static List<string> Variables()
    {
        var variables = new List<string>();
        // A stand-in has no path; whoever made it has left the executable's.
        string? path = SelfExecutable.IsProtected ? Environment.GetEnvironmentVariable(MachineAssets.ExecutableVariable) : null;
        variables.Add($"{MachineAssets.ExecutableVariable}={path ?? Environment.ProcessPath}");
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Key is MachineAssets.ExecutableVariable)
            {
                continue;
            }

            variables.Add($"{variable.Key}={variable.Value}");
        }

        return variables;
    }
}
