using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>The store's statements as PostgreSQL reads them. Pure.</summary>
internal static partial class PgSql
{
    private static readonly ConcurrentDictionary<string, string> Known = new(ReferenceEqualityComparer.Instance);

    /// <summary>A constant statement: its translation is kept.</summary>
    public static string OfConstant(string sql) => Known.GetOrAdd(sql, Of);

    /// <summary>Parameters are named otherwise, and which index to use or in which order to join is not PostgreSQL's to be told.</summary>
    public static string Of(string sql) => Parameter().Replace(Ordered().Replace(Hint().Replace(sql, ""), "JOIN"), "$$$1");

    [GeneratedRegex(@" (NOT INDEXED|INDEXED BY \w+)\b")]
    private static partial Regex Hint();

    [GeneratedRegex(@"\bCROSS JOIN\b")]
    private static partial Regex Ordered();

    [GeneratedRegex(@"\?(\d+)")]
    private static partial Regex Parameter();
}
