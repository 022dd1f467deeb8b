using System.Globalization;
using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Profiles;

/// <summary>A regular expression that is matched without backtracking, so that its time is linear in the text; upper and lower case are
/// one.</summary>
public sealed partial class TextPattern
{
    /// <summary>Characters of an expression.</summary>
    public const int Longest = 400;

    // A counted repetition is written out by the matcher, and counts inside each other multiply.
    private const int MostCopies = 200;

    private Regex? _regex;

    private TextPattern(string source, Regex? regex) => (Source, _regex) = (source, regex);

    public string Source { get; }

    /// <summary>The pattern, or why there is none.</summary>
    public static (TextPattern? Pattern, string? Mistake) Parse(string source)
    {
        if (source.Length is 0 or > Longest)
            return (null, string.Create(CultureInfo.InvariantCulture, $"must have 1 to {Longest} characters."));
        if (Copies(source) > MostCopies)
            return (null, $"repeats too much: its counts ({{n}}) multiplied must not exceed {MostCopies}. Use * or + instead.");
        try
        {
            var regex = Compile(source);
            return regex.IsMatch("")
                ? (null, "matches every text. Leave it out, or name words that the reply must contain.")
                : (new(source, regex), null);
        }
        catch (NotSupportedException)
        {
            return (
                null,
                "cannot be matched without backtracking. Leave out references to groups (\\1), atomic groups, and what looks ahead or back."
            );
        }
        catch (ArgumentException error)
        {
            return (null, $"is no regular expression: {error.Message}");
        }
    }

    /// <summary>A pattern of the program's own, which tests have compiled: that is put off until a reply asks for it, since all of them
    /// together would take a part of the start.</summary>
    public static TextPattern Trusted(string source) => new(source, null);

    // Whoever comes second makes it again, which does no harm.
    public bool IsIn(string text) => (_regex ??= Compile(Source)).IsMatch(text);

    public override string ToString() => Source;

    private static Regex Compile(string source) =>
        new(source, RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static long Copies(string source)
    {
        long all = 1;
        foreach (Match count in Count().Matches(source))
        {
            foreach (var number in new[] { count.Groups[1].Value, count.Groups[2].Value })
            {
                if (number.Length > 0)
                    all = Math.Min(
                        int.MaxValue,
                        all * Math.Max(1, long.Parse(number[^Math.Min(9, number.Length)..], CultureInfo.InvariantCulture))
                    );
            }
        }

        return all;
    }

    [GeneratedRegex(@"\{([0-9]+)(?:,([0-9]*))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Count();
}
