using System.Globalization;
using System.Text.Json;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary>Reads entries of suppression lists as clients write them, and writes them as they are answered. Pure.</summary>
internal static class SuppressionEntries
{
    public const int LongestReason = 500,
        LongestAddress = 320,
        LongestDomain = 253;

    private const string OneOf = "Give an address or a domain, exactly one of the two.";
    private const string NoReason = "no reason was given";

    /// <summary>The target of an entry; null: it is none, and <paramref name="fault"/> says why.</summary>
    public static string? Target(string? address, string? domain, out (string Member, string Code, string Detail) fault)
    {
        fault = default;
        if ((address is null) == (domain is null))
        {
            fault = ("address", "required", OneOf);
            return null;
        }

        if (address is not null)
        {
            if (Addresses.ReadBare(address, out var mailbox) is not { } wrong)
                return Suppression.TargetOf(mailbox.Address);
            fault = ("address", wrong.Code, wrong.Detail);
            return null;
        }

        if (DomainNames.ToAscii(domain!.TrimStart('@')) is { Length: > 0 } ascii && Addresses.ReadBare("any@" + ascii, out _) is null)
            return "@" + ascii.ToLowerInvariant();
        fault = ("domain", "invalid_domain", "Must be a domain name, such as example.com.");
        return null;
    }

    /// <summary>An entry as a request has it; mistakes are told to the reader.</summary>
    public static Suppression? Bind(MemberReader members, string tenant, SuppressionSource source, long now, bool needsReason = true)
    {
        var (address, domain) = (members.Text("address", LongestAddress), members.Text("domain", LongestDomain));
        var reason = members.Text("reason", LongestReason, needsReason);
        var expires = members.Time("expires_at");
        if (expires <= now)
            members.Fault("expires_at", "expires_in_past", "expires_at has passed.");
        var target = Target(address, domain, out var fault);
        if (target is null)
            members.Fault(fault.Member, fault.Code, fault.Detail);
        return target is null ? null : new(tenant, target, reason ?? NoReason, source, now, expires);
    }

    /// <summary>A line of JSON of an import; else what is wrong with it.</summary>
    public static (Suppression? Entry, FieldError? Fault) OfJson(ReadOnlyMemory<byte> line, string tenant, long now)
    {
        try
        {
            using var document = WholeJson.Parse(line);
            if (document is null)
                return (null, new("", "invalid_type", "Must be an object of whole Unicode texts."));
            var members = new MemberReader(document.RootElement);
            members.ReadOnly("tenant", "source", "created_at"); // as an export has them
            var entry = Bind(members, tenant, SuppressionSource.Import, now, needsReason: false);
            members.Close();
            return members.Errors is [var first, ..] ? (null, first) : (entry, null);
        }
        catch (JsonException)
        {
            return (null, new("", "malformed_json", "Must be JSON."));
        }
    }

    /// <summary>A line of CSV (RFC 4180) of an import: address or domain, reason, expiry.</summary>
    public static (Suppression? Entry, FieldError? Fault) OfCsv(ReadOnlySpan<char> line, string tenant, long now)
    {
        if (CsvLine.Read(line) is not { Count: >= 1 } cells)
            return (null, new("", "malformed_csv", "A quote is not closed, or stands in the middle of a cell (RFC 4180)."));
        var first = CsvLine.Plain(cells[0].Trim());
        var isAddress = first.IndexOf('@', StringComparison.Ordinal) > 0;
        if (Target(isAddress ? first : null, isAddress ? null : first, out var fault) is not { } target)
            return (null, new("/" + fault.Member, fault.Code, fault.Detail));
        var reason = cells.Count > 1 && cells[1].Length > 0 ? CsvLine.Plain(cells[1]) : NoReason;
        if (reason.Length > LongestReason)
            return (null, new("/reason", "too_long", $"At most {LongestReason} characters."));
        long? expires = null;
        if (cells.Count > 2 && cells[2].Length > 0)
        {
            if (!Timestamps.TryRead(cells[2], out var at))
                return (null, new("/expires_at", Timestamps.Code, Timestamps.Rule));
            if (at <= now)
                return (null, new("/expires_at", "expires_in_past", "expires_at has passed."));
            expires = at;
        }

        return (new(tenant, target, reason, SuppressionSource.Import, now, expires), null);
    }

    public static SuppressionAnswer Shown(Suppression entry) =>
        new(
            entry.Tenant,
            entry.IsDomain ? null : entry.Target,
            entry.IsDomain ? entry.Target[1..] : null,
            entry.Reason,
            Suppression.Sources.Of(entry.Source),
            Times.Utc(entry.CreatedAt),
            Times.Utc(entry.ExpiresAt)
        );

    /// <summary>As a line of CSV.</summary>
    public static string Csv(Suppression entry)
    {
        var expires = entry.ExpiresAt is { } at ? Timestamps.Write(at) : "";
        var target = entry.IsDomain ? entry.Target[1..] : entry.Target;
        return string.Create(CultureInfo.InvariantCulture, $"{CsvLine.Cell(target)},{CsvLine.Cell(entry.Reason)},{expires}\r\n");
    }
}
