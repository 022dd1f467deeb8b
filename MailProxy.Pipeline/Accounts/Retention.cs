using System.Globalization;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// How long bodies and attachments stay once a message is final: <c>none</c>, <c>until_reported</c>, or <c>&lt;n&gt;d</c>. What is not
/// final, or not reported, always stays.
/// </summary>
public sealed record Retention
{
    private const int MostDays = 3_650;

    public static readonly Retention None = new("none", null);
    public static readonly Retention UntilReported = new("until_reported", null);

    private readonly string _text;

    private Retention(string text, int? days) => (_text, Days) = (text, days);

    /// <summary>Days after the end, 1 to 3,650; null with <see cref="None"/> and <see cref="UntilReported"/>.</summary>
    public int? Days { get; }

    /// <summary>Null when it is none of the three forms.</summary>
    public static Retention? Parse(string text) =>
        text switch
        {
            "none" => None,
            "until_reported" => UntilReported,
            [.. var digits, 'd']
                when digits is not ['0', ..]
                    && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var days)
                    && days is >= 1 and <= MostDays => new(text, days),
            _ => null,
        };

    /// <summary>As it is written.</summary>
    public override string ToString() => _text;
}
