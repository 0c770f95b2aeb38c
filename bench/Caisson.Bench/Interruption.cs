using System.Runtime.InteropServices;

namespace Caisson.Bench;

/// <summary>
/// Ctrl-C and SIGTERM end a benchmark between two measurements, so that it removes what it made. What it starts is in process groups of
/// its own and does not get the terminal's signal.
/// </summary>
internal sealed class Interruption : IDisposable
{
    internal const int ExitCode = 130;

    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _happened;

    /// <param name="passOn">What else to do at the first of these signals, or null.</param>
    internal Interruption(Action<int>? passOn = null)
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (!_happened)
                {
                    _happened = true;
                    passOn?.Invoke((int)Linux.Signal.SIGTERM);
                }
            }));
        }
    }

    internal bool Happened => _happened;

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
}
