using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;

namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>What may follow what has been typed of a search.</summary>
internal static class SearchCompletion
{
    private const int Most = 12;

    /// <summary>The key whose values the last word asks for, such as <c>account</c>; null: none.</summary>
    public static string? KeyAtEnd(string text)
    {
        var word = LastWord(text).TrimStart('-');
        var colon = word.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? word[..colon].ToLowerInvariant() : null;
    }

    /// <summary>Whole texts of a search that begin with what was typed.</summary>
    /// <param name="names">Names that there are for the key at the end: of accounts, pools, batches.</param>
    public static IReadOnlyList<string> For(string text, IReadOnlyList<string> names)
    {
        var word = LastWord(text);
        if (word.Contains('"', StringComparison.Ordinal))
            return [];
        var before = text[..^word.Length];
        var minus = word.StartsWith('-') ? "-" : "";
        var typed = word[minus.Length..];
        var key = KeyAtEnd(text);
        var (stem, begun) = key is null ? ("", typed) : (typed[..(key.Length + 1)], typed[(key.Length + 1)..]);
        var candidates = key is null ? MessageSearch.Keys.Select(static known => known + ":") : Values(key, names);
        return
        [
            .. candidates
                .Where(one => one.Length > begun.Length && one.StartsWith(begun, StringComparison.OrdinalIgnoreCase))
                .Take(Most)
                .Select(one => before + minus + stem + Quoted(one)),
        ];
    }

    private static IEnumerable<string> Values(string key, IReadOnlyList<string> names) =>
        key switch
        {
            "status" => Enum.GetValues<MessageState>().Select(static state => state.Name()),
            "priority" => Enum.GetValues<Priority>().Select(static priority => priority.Name()),
            "age" => [">10m", ">1h", ">1d", "<10m", "<1h", "<1d"],
            "code" => ["4", "5", "421", "450", "550", "4.7.0", "5.1.1"],
            _ => names,
        };

    private static string LastWord(string text) => text[(text.LastIndexOf(' ') + 1)..];

    private static string Quoted(string value) =>
        value.Contains(' ', StringComparison.Ordinal) ? $"\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"" : value;
}
