using System.Globalization;

namespace MailProxy.Benchmarks.Load;

/// <summary>What several rounds came to.</summary>
internal sealed class Samples(IEnumerable<double> values)
{
    private readonly double[] _sorted = [.. values.Order()];

    public double Median => At(0.5);

    public double Min => _sorted[0];

    public double Max => _sorted[^1];

    /// <summary>The value below which this share lies, interpolated.</summary>
    public double At(double share)
    {
        var place = share * (_sorted.Length - 1);
        var (low, part) = ((int)place, place - (int)place);
        return low + 1 < _sorted.Length ? (_sorted[low] * (1 - part)) + (_sorted[low + 1] * part) : _sorted[low];
    }

    public static string Number(double value) =>
        value switch
        {
            >= 100 => value.ToString("#,0", CultureInfo.InvariantCulture),
            >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
            _ => value.ToString("0.00", CultureInfo.InvariantCulture),
        };

    /// <summary>Median (min to max).</summary>
    public override string ToString() => _sorted.Length == 1 ? Number(Median) : $"{Number(Median)} ({Number(Min)} to {Number(Max)})";
}
