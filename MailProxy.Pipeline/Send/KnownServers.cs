using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>What was learned of each server, by host and port: accounts of one server share it. Not more than there are accounts.</summary>
internal sealed partial class KnownServers(PipelineMetrics metrics, TimeProvider clock, ILogger logger)
{
    private readonly ConcurrentDictionary<string, ServerPipelining> _servers = new(StringComparer.OrdinalIgnoreCase);

    public ServerPipelining Of(SmtpAccount account) =>
        _servers.GetOrAdd(NameOf(account), static (name, self) => new(self.Clock, (why, until) => self.Tell(name, why, until)), this);

    /// <summary>How mail of the account goes out as far as its server lets it, and why not as the account wants.</summary>
    public PipeliningState StateOf(SmtpAccount account) =>
        account.Pipelining == SmtpPipelining.Next && _servers.TryGetValue(NameOf(account), out var server) && server.Off is { } off
            ? new(SmtpPipelining.Envelope, Words(off.Why), off.Until)
            : new(account.Pipelining, null, null);

    /// <summary>Forgets the servers of accounts that are gone or go elsewhere, when there are more than accounts.</summary>
    public void Keep(IReadOnlyCollection<SmtpAccount> accounts)
    {
        if (_servers.Count <= accounts.Count)
            return;
        var used = accounts.Select(NameOf).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var name in _servers.Keys.Where(name => !used.Contains(name)))
            _servers.TryRemove(name, out _);
    }

    private TimeProvider Clock => clock;

    private static string NameOf(SmtpAccount account) => ServerName.Of(account).ToString();

    private static string Words(PipeliningStop why) =>
        why switch
        {
            PipeliningStop.Refuses => "the server refuses commands that come with the end of a message",
            _ => "the server hangs up, or falls silent, when commands come with the end of a message",
        };

    private void Tell(string server, PipeliningStop why, DateTimeOffset until)
    {
        metrics.PipeliningStopped.WithLabels(why == PipeliningStop.Refuses ? "refused" : "hung_up").Inc();
        Log.Stopped(logger, server, Words(why), until);
    }

    private static partial class Log
    {
        [LoggerMessage(505, LogLevel.Warning, "{Server}: {Why}. Until {Until:u} each message is answered before the next begins")]
        public static partial void Stopped(ILogger logger, string server, string why, DateTimeOffset until);
    }
}

/// <summary>How far ahead of the answers an account's commands go now.</summary>
/// <param name="Why">Why not as far as the account says; null: they do.</param>
/// <param name="Until">When that is tried again.</param>
public sealed record PipeliningState(SmtpPipelining Now, string? Why, DateTimeOffset? Until);
