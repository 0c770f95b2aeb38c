using Caisson.Oci;

namespace Caisson;

/// <summary><c>features</c>: what this runtime understands, as the specification's JSON.</summary>
internal sealed class FeaturesCommand : Command
{
    internal override string Name => "features";

    internal override string Summary => "print what this runtime understands, as JSON";

    internal override string Usage => "";

    internal override int FewestArguments => 0;

    internal override int MostArguments => 0;

    internal override int Run(Invocation invocation)
    {
        StandardStream.Output.Write(FeaturesWriter.Write(CurrentFeatures.Describe()));
        StandardStream.Output.Write("\n");
        return 0;
    }
}
