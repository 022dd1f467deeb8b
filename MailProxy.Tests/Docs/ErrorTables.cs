using System.Text;
using MailProxy.Daemon.Api;

namespace MailProxy.Tests.Docs;

/// <summary>The tables of docs/reference/errors.md: every code of <see cref="ErrorCodes"/>.</summary>
internal static class ErrorTables
{
    public static string OfRequests() =>
        Table("| status | code | meaning | what to do |\n|---|---|---|---|\n", ErrorCodes.OfRequests, true);

    public static string OfMembers() => Table("| code | meaning | what to do |\n|---|---|---|\n", ErrorCodes.OfMembers, false);

    private static string Table(string head, IReadOnlyList<ErrorCode> codes, bool withStatus)
    {
        var text = new StringBuilder(head);
        foreach (var one in codes)
            text.Append(withStatus ? $"| {one.Status} " : "").Append($"| `{one.Code}` | {one.Meaning} | {one.Remedy} |\n");
        return text.ToString();
    }
}
