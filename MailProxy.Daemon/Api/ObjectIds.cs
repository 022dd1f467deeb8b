using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Api;

/// <summary>Ids of everything but messages.</summary>
internal static partial class ObjectIds
{
    public static readonly ProblemAnswer Invalid = ProblemAnswer.Of(
        422,
        "invalid_id",
        "An id is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit."
    );

    public static bool IsValid(string id) => Pattern().IsMatch(id);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,62}\z")]
    private static partial Regex Pattern();
}
