namespace Caisson;

/// <summary>One command of the command line: what it takes, what help says about it, and what it does.</summary>
internal abstract class Command
{
    internal abstract string Name { get; }

    /// <summary>One line, without a full stop.</summary>
    internal abstract string Summary { get; }

    /// <summary>What follows the command's name, such as <c>[options] CONTAINER</c>.</summary>
    internal abstract string Usage { get; }

    /// <summary>A paragraph or two for <c>--help</c>; empty where the summary says it all.</summary>
    internal virtual string Description => "";

    internal virtual IReadOnlyList<Flag> Flags => [];

    /// <summary>Whether its first argument is the id of a container that exists: what a shell completes.</summary>
    internal bool TakesContainer => !MakesContainer && FewestArguments > 0 && Usage.Contains("CONTAINER", StringComparison.Ordinal);

    /// <summary>Whether its argument is an id that is not taken yet.</summary>
    internal virtual bool MakesContainer => false;

    internal virtual int FewestArguments => 1;

    internal virtual int MostArguments => 1;

    /// <summary>Whether flags end at the first argument, because what follows belongs to another program.</summary>
    internal virtual bool StopsAtFirstArgument => false;

    /// <summary>The exit code of a failure: 1, but 255 for <c>exec</c>, as runc has it: engines derive 126 and 127 from it.</summary>
    internal virtual int FailureCode => 1;

    /// <summary>What stands before the message of a failure, as runc has it.</summary>
    internal virtual string FailurePrefix => "";

    /// <summary>Whether the words after the name are taken as they are: for hidden verbs, which are started by this program only.</summary>
    internal virtual bool TakesRawWords => false;

    /// <summary>Whether this invocation joins or makes a container's namespaces, and so must run from a stand-in of its executable first.</summary>
    internal virtual bool EntersContainer => false;

    /// <summary>Whether it takes signals, to pass them on or to undo what it began: they must then be blocked in every thread of the program.</summary>
    internal virtual bool PassesSignals(FlagValues flags) => false;

    /// <returns>The exit code.</returns>
    internal abstract int Run(Invocation invocation);
}
