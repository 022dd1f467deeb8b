using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>Reads those fields of a draft that have a closed set of values.</summary>
public static class DraftValues
{
    /// <summary>Reads a name or a number from 0 to 3; absent means medium.</summary>
    public static bool TryPriority(JsonElement? written, out Priority priority)
    {
        var read = written switch
        {
            null => Priority.Medium,
            { ValueKind: JsonValueKind.String } text => WireNames.ParsePriority(text.GetString()!),
            { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) && value is >= 0 and <= 3 => (Priority)value,
            _ => null,
        };
        priority = read ?? Priority.Medium;
        return read is not null;
    }

    /// <summary>Reads a policy; absent means retry.</summary>
    public static bool TryPolicy(string? written, out AmbiguousPolicy policy)
    {
        var known = written is null ? AmbiguousPolicy.Retry : WireNames.Policies.Find(written);
        policy = known ?? AmbiguousPolicy.Retry;
        return known is not null;
    }
}
