using Caisson.GuestImage;

namespace Caisson;

/// <summary><c>guest build</c>: what a virtual machine boots from.</summary>
internal sealed class GuestCommand : Command
{
    internal override string Name => "guest";

    internal override string Summary => "build the kernel and initrd that virtual machines boot";

    internal override string Usage => "build [options]";

    internal override string Description => "`caisson guest build --help` says more.";

    internal override int FewestArguments => 0;

    internal override bool TakesRawWords => true;

    internal override int Run(Invocation invocation)
    {
        string[] words = [.. invocation.Arguments];
        if (words is ["build", ..])
        {
            return GuestBuildCommand.Run(words[1..], new StandardWriter(StandardStream.Output), new StandardWriter(StandardStream.Error));
        }

        if (words is ["--help" or "-h"])
        {
            StandardStream.Output.Write(HelpText.ForCommand(this));
            return 0;
        }

        throw new UsageException($"guest: expected `build`; usage: {HelpText.UsageLine(this)}");
    }
}
