namespace Caisson.Oci;

/// <summary>Rules for hooks (config.md, "POSIX-platform Hooks").</summary>
internal static class HookRules
{
    internal static void Check(OciHooks? hooks, SpecVerdict verdict)
    {
        if (hooks is null)
        {
            return;
        }
        CheckList(hooks.Prestart, "prestart", verdict);
        CheckList(hooks.CreateRuntime, "createRuntime", verdict);
        CheckList(hooks.CreateContainer, "createContainer", verdict);
        CheckList(hooks.StartContainer, "startContainer", verdict);
        CheckList(hooks.Poststart, "poststart", verdict);
        CheckList(hooks.Poststop, "poststop", verdict);
    }

    private static void CheckList(SpecList<OciHook> hooks, string kind, SpecVerdict verdict)
    {
        for (int i = 0; i < hooks.Count; i++)
        {
            if (!hooks[i].Path.StartsWith('/'))
            {
                verdict.Error($"hooks.{kind}[{i}].path", "must be an absolute path");
            }
            if (hooks[i].Timeout is <= 0)
            {
                verdict.Error($"hooks.{kind}[{i}].timeout", "must be greater than zero");
            }
        }
    }
}
