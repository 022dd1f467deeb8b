namespace MailProxy.Daemon.Hosting;

/// <summary>
/// The host's lifetime, which by default stops it at the first signal. <see cref="StopSignals"/> does that here, after the
/// <see cref="LastAnswers"/>.
/// </summary>
internal sealed class SignalsElsewhere : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
