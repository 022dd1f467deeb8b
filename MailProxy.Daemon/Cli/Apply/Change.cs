using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Cli.Apply;

internal enum ChangeKind
{
    None,
    Make,
    Replace,
    Delete,
}

/// <summary>One thing that is to be made, replaced or deleted.</summary>
/// <param name="Tenant">Whose; null: it is a tenant itself.</param>
/// <param name="Name">As people read it: <c>accounts/relay</c>.</param>
/// <param name="Path">Where it is put or deleted.</param>
/// <param name="Body">What is put; null: it is deleted.</param>
/// <param name="Tag">The version that was compared, which must still be there; <c>*</c>: nothing may be there; null: whatever.</param>
/// <param name="Lines">What is different, a line each.</param>
internal sealed record Change(
    ChangeKind Kind,
    string? Tenant,
    string Name,
    string Path,
    JsonObject? Body,
    string? Tag,
    IReadOnlyList<DiffLine> Lines
);

/// <summary>One difference: a member before and after.</summary>
/// <param name="Before">Null: it was not there.</param>
/// <param name="After">Null: it is gone.</param>
internal sealed record DiffLine(string Path, JsonNode? Before, JsonNode? After)
{
    /// <summary>What stands for a secret, which is never shown.</summary>
    public const string Given = "(given)";

    /// <summary>The differences of two objects, members below with dots between.</summary>
    public static IEnumerable<DiffLine> Between(JsonObject before, JsonObject after, string at = "")
    {
        foreach (var name in before.Select(static one => one.Key).Union(after.Select(static one => one.Key)))
        {
            var (one, other) = (before[name], after[name]);
            if (JsonNode.DeepEquals(one, other))
                continue;
            if (one is JsonObject a && other is JsonObject b)
            {
                foreach (var below in Between(a, b, $"{at}{name}."))
                    yield return below;
            }
            else
            {
                yield return new(at + name, one, other);
            }
        }
    }
}
