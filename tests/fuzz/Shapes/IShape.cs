namespace Caisson.Fuzz;

/// <summary>What inputs look like, and so how they are mutated.</summary>
internal interface IShape
{
    /// <param name="input">Sound or not; never changed.</param>
    /// <param name="other">Another input that reached something.</param>
    /// <param name="words">Of the target.</param>
    /// <param name="random">Decides everything.</param>
    byte[] Mutate(byte[] input, byte[] other, IReadOnlyList<byte[]> words, Random random);
}
