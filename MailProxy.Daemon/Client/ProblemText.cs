using System.Net;
using System.Text.Json;
using MailProxy.Daemon.Api;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Client;

/// <summary>Tells people what a refusal of a daemon means, and what they can do about it. Pure.</summary>
internal static class ProblemText
{
    private const string KeyRemedy =
        "Give a key with --key-file FILE, MAILPROXY_KEY_FILE or MAILPROXY_KEY; the admin key is in admin.key of the data directory.";

    // Remedies of the table that say nothing to who types a command.
    private static readonly HashSet<string> Empty = ["Correct the client.", "Nothing is to be done.", "Correct it.", "See detail."];

    public static DaemonException Of(HttpStatusCode status, string body)
    {
        var trouble = Trouble((int)status);
        if (Parse(body) is not { Code.Length: > 0 } problem)
            return new(trouble, $"The answer was {(int)status} ({status}), and not one of MailProxy: is this the address of a daemon?")
            {
                Answer = body,
            };
        var lines = problem.Errors is { Count: > 1 } several
            ? several.Select(error => Line($"{error.Pointer}: {error.Detail}", error.Code))
            : [Line(problem.Detail, problem.Code)];
        return new(trouble, string.Join('\n', lines)) { Code = problem.Code, Answer = body.TrimEnd() };
    }

    private static string Line(string detail, string code)
    {
        var remedy = code is "unauthorized" ? KeyRemedy : Remedy(code);
        var text = OneLine.Of(detail);
        return remedy is null || text.Contains(remedy, StringComparison.OrdinalIgnoreCase)
            ? $"{text} ({code})"
            : $"{text} {remedy} ({code})";
    }

    private static string? Remedy(string code) =>
        ErrorCodes.OfRequests.Concat(ErrorCodes.OfMembers).FirstOrDefault(one => one.Code == code)?.Remedy is { } remedy
        && !Empty.Contains(remedy)
            ? remedy
            : null;

    private static ProblemAnswerBody? Parse(string body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, ApiJson.Plain.ProblemAnswerBody);
        }
        catch (JsonException)
        {
            return null; // a proxy's page, or another program
        }
    }

    private static DaemonTrouble Trouble(int status) =>
        status switch
        {
            401 or 403 => DaemonTrouble.Refused,
            404 or 410 => DaemonTrouble.NotFound,
            409 or 412 => DaemonTrouble.Conflict,
            400 or 405 or 413 or 415 or 422 => DaemonTrouble.Invalid,
            _ => DaemonTrouble.Failed,
        };
}
