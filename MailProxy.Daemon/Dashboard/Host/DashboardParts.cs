using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>What the page takes of the daemon. Everything else it asks the HTTP API for, with the key of who signed in.</summary>
/// <param name="Keys">What its cookies are sealed with.</param>
/// <param name="Services">Of the daemon, for requests that the page makes to its API.</param>
/// <param name="PublicUrl">Where the daemon is reached from outside; null: not known.</param>
internal sealed record DashboardParts(IPageKeys Keys, IServiceProvider Services, Uri? PublicUrl, TimeProvider Clock, ILoggerFactory Logs);
