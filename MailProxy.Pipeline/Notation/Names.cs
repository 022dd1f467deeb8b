using System.Collections;
using System.Globalization;

namespace MailProxy.Pipeline.Notation;

/// <summary>The names that a closed set of values has in the contract: one table for both directions. Case-sensitive.</summary>
public sealed class Names<T>(params (string Name, T Value)[] known) : IReadOnlyList<(string Name, T Value)>
    where T : struct
{
    /// <summary>All names, for error messages: <c>a, b, c</c>.</summary>
    public string Listed { get; } = string.Join(", ", known.Select(static one => one.Name));

    public int Count => known.Length;

    public (string Name, T Value) this[int index] => known[index];

    /// <summary>The name of a value; its number when it has none: one damaged row must not hide all others.</summary>
    public string Of(T value)
    {
        foreach (var one in known)
        {
            if (EqualityComparer<T>.Default.Equals(one.Value, value))
                return one.Name;
        }

        return value is Enum odd ? Convert.ToInt64(odd, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) : $"{value}";
    }

    /// <summary>The value with this name; null when there is none.</summary>
    public T? Find(ReadOnlySpan<char> name)
    {
        foreach (var one in known)
        {
            if (name.SequenceEqual(one.Name))
                return one.Value;
        }

        return null;
    }

    public IEnumerator<(string Name, T Value)> GetEnumerator() => known.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
