using System.Globalization;

namespace MailProxy.Pipeline.Disk;

/// <summary>
/// The name of a spool file: a nonce, and, where content stands before the message's JSON, the offset at which the JSON begins.
/// </summary>
/// <param name="Json">Where the JSON begins; 0: the file has nothing else.</param>
public readonly record struct SpoolName(string Nonce, long Json)
{
    public static string Of(string nonce, long json) =>
        json == 0 ? nonce : string.Create(CultureInfo.InvariantCulture, $"{nonce}-{json:x}");

    public static SpoolName Read(string name)
    {
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && long.TryParse(name.AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var json)
            ? new(name[..dash], json)
            : new(name, 0);
    }
}
