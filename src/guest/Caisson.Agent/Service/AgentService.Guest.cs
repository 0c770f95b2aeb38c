using System.Text;
using Caisson.Linux;
using Caisson.Protocol;
using Google.Protobuf.Collections;

namespace Caisson.Agent;

internal sealed partial class AgentService
{
    // MAXNS of resolv.conf(5) is 3; searches and options come on top.
    private const int MaxDnsLines = 64;
    private const int MaxDnsLineChars = 1024;

    // The clock of any certificate: 1970 to 2200.
    private const long MaxClockSeconds = 7_258_118_400;
    private const long MicrosecondsPerSecond = 1_000_000;

    public Task CreateSandboxAsync(CreateSandboxRequest request, CancellationToken cancellationToken)
    {
        RequestFields.Unsupported(request.SandboxPidns, "CreateSandbox: a shared pid namespace");
        RequestFields.Unsupported(request.GuestHookPath.Length > 0, "CreateSandbox: guest hooks");
        return Blocking.Run(() =>
        {
            sandbox.PrepareInBackground();
            if (request.Hostname.Length > 0)
            {
                GuestEnvironment.SetHostName(request.Hostname);
            }

            WriteResolvers(request.Dns);
            foreach (Protocol.KernelModule module in request.KernelModules)
            {
                sandbox.Modules.Load(module.Name);
            }

            foreach (Storage storage in request.Storages)
            {
                sandbox.Storages.Acquire(storage);
            }
        });
    }

    public async Task DestroySandboxAsync(DestroySandboxRequest request, CancellationToken cancellationToken)
    {
        foreach (GuestContainer container in sandbox.Containers)
        {
            await container.RemoveAsync(s_killPatience);
        }

        await Blocking.Run(Machine.Sync);
    }

    public Task SandboxDestroyedAsync() => Blocking.Run(GuestPower.OffAfterLastAnswer);

    public Task<GuestDetailsResponse> GetGuestDetailsAsync(GuestDetailsRequest request, CancellationToken cancellationToken)
    {
        var details = new AgentDetails { Version = HealthService.AgentVersion, InitDaemon = true, SupportsSeccomp = true };
        details.StorageHandlers.AddRange(StorageTable.Drivers);
        details.ExtraFeatures.Add("caisson.AgentExtensions");
        var response = new GuestDetailsResponse { AgentDetails = details };
        if (request.MemBlockSize && SmallFile.TryReadText("/sys/devices/system/memory/block_size_bytes", out string text, out _)
            && ulong.TryParse(text.AsSpan().Trim(), System.Globalization.NumberStyles.HexNumber, null, out ulong size))
        {
            response.MemBlockSizeBytes = size;
        }

        return Task.FromResult(response);
    }

    public Task SetGuestDateTimeAsync(SetGuestDateTimeRequest request, CancellationToken cancellationToken)
    {
        if (request.Sec is < 0 or > MaxClockSeconds || request.Usec is < 0 or >= MicrosecondsPerSecond)
        {
            throw Refusal.Invalid($"{request.Sec} s and {request.Usec} us are no time since 1970 and before 2200");
        }

        SystemClock.Set(request.Sec, request.Usec * 1000);
        return Task.CompletedTask;
    }

    public Task ReseedRandomDevAsync(ReseedRandomDevRequest request, CancellationToken cancellationToken)
    {
        if (request.Data.Length > EntropyPool.MaxBytes)
        {
            throw Refusal.Invalid($"{request.Data.Length} random bytes; at most {EntropyPool.MaxBytes} are taken");
        }

        EntropyPool.Add(request.Data.Span);
        return Task.CompletedTask;
    }

    public Task CopyFileAsync(CopyFileRequest request, CancellationToken cancellationToken) => Blocking.Run(() => FileCopy.Copy(request));

    // Kata's form: each entry is a line of resolv.conf(5).
    private static void WriteResolvers(RepeatedField<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        var text = new StringBuilder();
        foreach (string line in lines)
        {
            if (lines.Count > MaxDnsLines || line.Length > MaxDnsLineChars || line.AsSpan().ContainsAnyInRange('\0', '\x1f'))
            {
                throw Refusal.Invalid($"dns: at most {MaxDnsLines} lines of {MaxDnsLineChars} printable characters are taken");
            }

            text.Append(line).Append('\n');
        }

        using FileFd file = FileCalls.Open("/etc/resolv.conf", OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC, 0x1A4 /* 0644 */);
        file.WriteAll(text.ToString());
    }

    // SIGKILL ends everything but what waits for a dead file system, and then the machine goes anyway.
    private static readonly TimeSpan s_killPatience = TimeSpan.FromSeconds(10);
}
