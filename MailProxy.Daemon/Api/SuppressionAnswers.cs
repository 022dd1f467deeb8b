using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Api;

/// <summary>An entry of a suppression list: exactly one of address and domain.</summary>
/// <param name="Reason">For people: why; up to 500 characters.</param>
/// <param name="ExpiresAt">RFC 3339 text or Unix seconds; absent: never.</param>
public sealed record SuppressionRequest(string? Address, string? Domain, string Reason, JsonElement? ExpiresAt);

/// <summary>A line of an import: exactly one of address and domain. What an export has besides is let through.</summary>
/// <param name="Reason">For people: why; up to 500 characters.</param>
/// <param name="ExpiresAt">RFC 3339 text or Unix seconds; absent: never.</param>
public sealed record SuppressionLine(string? Address, string? Domain, string? Reason, JsonElement? ExpiresAt);

/// <param name="Source"><c>api</c>, <c>import</c>, <c>bounce</c>, <c>unsubscribe</c>.</param>
public sealed record SuppressionAnswer(
    string Tenant,
    string? Address,
    string? Domain,
    string Reason,
    string Source,
    DateTime CreatedAt,
    DateTime? ExpiresAt
);

public sealed record SuppressionList(
    IReadOnlyList<SuppressionAnswer> Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? NextCursor
);

/// <summary>A line of an import that was refused.</summary>
public sealed record SuppressionLineError(long Line, string Code, string Detail);

/// <param name="Errors">The first hundred lines that were refused; the others were taken.</param>
public sealed record SuppressionImportAnswer(int Added, int Replaced, int Refused, IReadOnlyList<SuppressionLineError> Errors);
