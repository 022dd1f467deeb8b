using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;

namespace MailProxy.Daemon.Api;

/// <summary>Reads a tenant as a client wrote it, over the one that is there. Pure.</summary>
internal static class TenantBinder
{
    // JSON numbers are whole up to here everywhere.
    private const int MostSeconds = 365 * 86_400;
    private const int MostMegabytes = 1_048_576;

    private static readonly Field<AccountLimits> LimitsRule = MailRuleFields.Limits<AccountLimits>(l => l, (_, limits) => limits);

    public static Tenant Bind(MemberReader members, string id, Tenant? existing)
    {
        members.ReadOnly("waiting_for", "shares");
        if (members.Text("id", 63) is { } given && given != id)
            members.Fault("id", "mismatch", "Must be the id in the path.");
        if (members.Has("default_pool"))
            members.Fault("default_pool", "not_supported", "Pools are not supported yet.");
        var tenant = new Tenant
        {
            Id = id,
            Name = members.Text("name", 200, required: true) ?? "",
            DefaultAccount = Id(members, "default_account"),
            Active = members.Flag("active") ?? true,
            Number = existing?.Number ?? 0,
            Limits = LimitsRule.Bind!(members, AccountLimits.None, null),
            ExpiresAfter = ExpiresAfter(members),
            Retry = Retry(members),
            Retain = Retain(members),
            LargeFiles = LargeFiles(members.Object("large_files")),
            AttachmentEndpoint = Endpoint(members.Object("attachment_endpoint"), existing?.AttachmentEndpoint),
        };
        members.Close();
        return tenant;
    }

    private static string? Id(MemberReader members, string name)
    {
        var id = members.Text(name, 63);
        if (id is not null && !ObjectIds.IsValid(id))
            members.Fault(name, "invalid_id", $"Must be an id: {IdSyntax.ObjectRule}.");
        return id;
    }

    private static Retention? Retain(MemberReader members)
    {
        if (members.Text("retain", 32) is not { } text)
            return null;
        if (Retention.Parse(text) is { } retain)
            return retain;
        members.Fault("retain", "invalid_choice", "Must be none, until_reported, or days such as 7d (1 to 3650).");
        return null;
    }

    /// <summary>When mail expires that says nothing else, a tenant's rule or an account's.</summary>
    public static TimeSpan? ExpiresAfter(MemberReader members) =>
        members.Number("expires_after", 60, MostSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>The retry schedule of a tenant or an account.</summary>
    public static RetrySchedule? Retry(MemberReader members) =>
        members.Numbers("retry_minutes", RetrySchedule.MostSteps, RetrySchedule.Least, RetrySchedule.Most) is { Count: > 0 } minutes
            ? new(minutes)
            : null;

    /// <summary>The rule for large files, a tenant's or an account's.</summary>
    public static LargeFiles? LargeFiles(MemberReader? large)
    {
        if (large is null)
            return null;
        var threshold = large.Bytes("threshold", MostMegabytes * 1024L * 1024, required: true);
        var action = large.Choice("action", LargeFileActions.Names, required: true);
        var volume = Id(large, "volume");
        var lifetime = large.Number("lifetime_days", 1, 3_650);
        if (action == LargeFileAction.Link && volume is null)
            large.Fault("volume", "required", "A link needs the volume where the files are put.");
        large.Close();
        return new(threshold ?? 0, action ?? default, volume, lifetime ?? MailProxy.Pipeline.Accounts.LargeFiles.DefaultLifetimeDays);
    }

    private static AttachmentEndpoint? Endpoint(MemberReader? endpoint, AttachmentEndpoint? existing)
    {
        if (endpoint is null)
            return null;
        var url = endpoint.Url("url", required: true, query: true, existing?.Url.OriginalString);
        var auth = SourceAuthFields.Bind(endpoint.Object("auth"), existing?.Auth, existing?.Url.OriginalString != url?.OriginalString);
        endpoint.Close();
        return url is null ? null : new(url, auth);
    }
}
