using System.Globalization;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>The process that <c>exec</c> runs: from a file, or the container's own with what the flags change.</summary>
internal static class ExecProcess
{
    internal static OciProcess Build(OciSpec spec, FlagValues flags, IReadOnlyList<string> arguments)
    {
        if (flags.Text("process") is { Length: > 0 } file)
        {
            return Checked(SpecReader.ReadProcess(file), file);
        }

        if (arguments.Count < 2)
        {
            throw new SandboxException("process args cannot be empty");
        }

        OciProcess process = spec.Process ?? new OciProcess { Cwd = "/" };
        process = process with
        {
            Args = [.. Rest(arguments)],
            Env = [.. process.Env, .. flags.List("env")],
            Terminal = flags.IsSet("tty"),
            User = ReadUser(process.User, flags),
            Cwd = flags.Text("cwd") is { Length: > 0 } cwd ? cwd : process.Cwd,
            Capabilities = AddCapabilities(process.Capabilities, flags.List("cap")),
        };
        if (flags.Text("apparmor") is { Length: > 0 } profile)
        {
            process = process with { ApparmorProfile = profile };
        }

        if (flags.Text("process-label") is { Length: > 0 } label)
        {
            process = process with { SelinuxLabel = label };
        }

        return Checked(flags.IsGiven("no-new-privs") ? process with { NoNewPrivileges = flags.IsSet("no-new-privs") } : process, "process");
    }

    // A file or flags may say what a configuration may not.
    private static OciProcess Checked(OciProcess process, string where)
    {
        if (process.Args.Count == 0)
        {
            throw new SandboxException("process args cannot be empty");
        }

        SpecValidator.ValidateProcess(process).ThrowIfInvalid(where);
        return process;
    }

    private static string[] Rest(IReadOnlyList<string> arguments)
    {
        string[] rest = new string[arguments.Count - 1];
        for (int i = 0; i < rest.Length; i++)
        {
            rest[i] = arguments[i + 1];
        }

        return rest;
    }

    private static OciUser ReadUser(OciUser user, FlagValues flags)
    {
        if (flags.Text("user") is { Length: > 0 } text)
        {
            int colon = text.IndexOf(':');
            user = user with { Uid = ParseId("--user", colon < 0 ? text : text[..colon]) };
            if (colon >= 0)
            {
                user = user with { Gid = ParseId("--user", text[(colon + 1)..]) };
            }
        }

        IReadOnlyList<string> groups = flags.List("additional-gids");
        if (groups.Count == 0)
        {
            return user;
        }

        uint[] ids = new uint[groups.Count];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = ParseId("--additional-gids", groups[i]);
        }

        return user with { AdditionalGids = [.. user.AdditionalGids, .. ids] };
    }

    private static uint ParseId(string flag, string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id)
            ? id
            : throw new SandboxException($"{flag}: \"{text}\" is not a number: names are not looked up in the container");

    // As runc does. Not inheritable: a program of the image with inheritable file capabilities would get them (CVE-2022-29162). And
    // ambient ones must be inheritable too, so they are added only where the configuration has inheritable ones already.
    private static OciCapabilities? AddCapabilities(OciCapabilities? sets, IReadOnlyList<string> added)
    {
        if (added.Count == 0)
        {
            return sets;
        }

        sets ??= new OciCapabilities();
        return sets with
        {
            Bounding = [.. sets.Bounding, .. added],
            Effective = [.. sets.Effective, .. added],
            Permitted = [.. sets.Permitted, .. added],
            Ambient = sets.Inheritable.Count == 0 ? sets.Ambient : [.. sets.Ambient, .. added],
        };
    }
}
