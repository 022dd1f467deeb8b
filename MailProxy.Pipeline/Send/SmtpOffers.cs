using System.Globalization;

namespace MailProxy.Pipeline.Send;

/// <summary>What a server offers (RFC 5321 section 4.1.1.1): keywords in any case, blanks and tabs wherever servers put them.
/// Pure.</summary>
internal sealed class SmtpOffers
{
    /// <summary>A server that knows HELO only.</summary>
    public static readonly SmtpOffers None = new([]);

    private static readonly char[] Blanks = [' ', '\t'];

    private static readonly string[] Told =
    [
        "SIZE",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "AUTH",
        "8BITMIME",
        "PIPELINING",
        "BINARYMIME",
        "CHUNKING",
        "STARTTLS",
        "SMTPUTF8",
        "REQUIRETLS",
    ];

    private readonly HashSet<string> _keywords = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _mechanisms = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="lines">The lines of the reply to EHLO; the first is the server's name.</param>
    public SmtpOffers(IReadOnlyList<string> lines)
    {
        foreach (var line in lines.Skip(1))
        {
            var words = line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
                Add(words);
        }
    }

    public bool StartTls => _keywords.Contains("STARTTLS");
    public bool Pipelining => _keywords.Contains("PIPELINING");
    public bool Chunking => _keywords.Contains("CHUNKING");
    public bool EightBit => _keywords.Contains("8BITMIME");

    /// <summary>RFC 6531 asks for 8BITMIME beside it.</summary>
    public bool SmtpUtf8 => EightBit && _keywords.Contains("SMTPUTF8");

    public bool Size => _keywords.Contains("SIZE");

    /// <summary>The largest message it takes, in octets; null: it names none (RFC 1870 section 4).</summary>
    public long? LargestMessage { get; private set; }

    /// <summary>Ways to log in, in upper case.</summary>
    public IReadOnlyCollection<string> Mechanisms => _mechanisms;

    /// <summary>Its keywords that matter here.</summary>
    public IReadOnlyList<string> Names => [.. Told.Where(_keywords.Contains)];

    private void Add(string[] words)
    {
        // "AUTH=LOGIN PLAIN" is how servers told it before RFC 2554, and some do to this day, beside the other or alone.
        var legacy = words[0].StartsWith("AUTH=", StringComparison.OrdinalIgnoreCase);
        _keywords.Add(legacy ? "AUTH" : words[0]);
        if (legacy && words[0].Length > 5)
            _mechanisms.Add(words[0][5..].ToUpperInvariant());
        if (legacy || words[0].Equals("AUTH", StringComparison.OrdinalIgnoreCase))
        {
            foreach (var mechanism in words.Skip(1))
                _mechanisms.Add(mechanism.ToUpperInvariant());
        }

        if (
            words.Length > 1
            && words[0].Equals("SIZE", StringComparison.OrdinalIgnoreCase)
            && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && size > 0
        )
        {
            LargestMessage = size;
        }
    }
}
