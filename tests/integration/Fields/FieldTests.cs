using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Fields;

/// <summary>Every field of <see cref="FieldCases"/> is seen inside, or refused by name.</summary>
public sealed class FieldTests(FieldObservations containers) : ContainerTest, IClassFixture<FieldObservations>
{
    public static IEnumerable<ITheoryDataRow> SeenFields => Rows(FieldCases.All.Select(static field => (field.Field, Namespaces: field.Namespaces is not null, Vm: field.Vm is not null)));

    public static IEnumerable<ITheoryDataRow> RefusedFields => Rows(FieldCases.Refused.Select(static field => (field.Field, Namespaces: field.Namespaces is not null, Vm: field.Vm is not null)));

    [Theory, MemberData(nameof(SeenFields))]
    public void Field_is_seen_inside(Isolation isolation, string field)
    {
        FieldCase wanted = FieldCases.All.Single(one => one.Field == field);

        Assert.Equal(wanted.Expected(isolation), containers.Seen(isolation, wanted));
    }

    [Theory, MemberData(nameof(RefusedFields))]
    public void Field_is_refused_by_name(Isolation isolation, string field)
    {
        RefusedCase wanted = FieldCases.Refused.Single(one => one.Field == field);
        Workplace place = Place(isolation);
        place.Bundle.Arguments("true").Edit(config => ConfigMerge.Add(config, JsonNode.Parse(wanted.Config)!.AsObject()));

        CommandResult result = place.RunBundle();

        Assert.Equal(1, result.ExitCode);
        // The log's text form quotes the message.
        Assert.Contains(wanted.Expected(isolation)!, result.Error.Replace("\\\"", "\"", StringComparison.Ordinal));
    }

    private static IEnumerable<ITheoryDataRow> Rows(IEnumerable<(string Field, bool Namespaces, bool Vm)> fields)
    {
        foreach ((string field, bool namespaces, bool vm) in fields)
        {
            if (namespaces)
            {
                yield return new TheoryDataRow<Isolation, string>(Isolation.Namespaces, field) { Skip = Host.CanMakeContainers ? null : Host.WhyNoContainers };
            }

            if (vm)
            {
                yield return new TheoryDataRow<Isolation, string>(Isolation.Vm, field) { Skip = Host.CanBootMachines ? null : Host.WhyNoMachines };
            }
        }
    }
}
