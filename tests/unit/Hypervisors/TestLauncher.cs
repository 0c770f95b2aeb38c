using System.Reflection;
using System.Runtime.CompilerServices;
using Caisson.Hypervisors;

namespace Caisson.Tests;

/// <summary>
/// The test program that this file is part of as the jail's launcher: with the hidden verb as its argument it becomes one before any test
/// framework starts.
/// </summary>
internal static class TestLauncher
{
    // No diagnostics: their socket in /tmp would outlive a runtime that is replaced by execve.
    internal static LauncherProgram Program { get; } = new(
        Path.Combine(AppContext.BaseDirectory, Assembly.GetExecutingAssembly().GetName().Name!),
        ["DOTNET_EnableDiagnostics=0", "DOTNET_TieredCompilation=1", .. Inherited("PATH"), .. Inherited("HOME"), .. Inherited("DOTNET_ROOT")]);

#pragma warning disable CA2255 // Must run before the test framework's threads.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void LaunchIfAsked()
    {
        if (Environment.GetCommandLineArgs() is [_, JailLauncher.Verb])
        {
            Environment.Exit(JailLauncher.Run());
        }
    }

    private static string[] Inherited(string name) => Environment.GetEnvironmentVariable(name) is { } value ? [$"{name}={value}"] : [];
}
