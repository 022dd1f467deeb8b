using System.Runtime.InteropServices;
using MailProxy.Pipeline;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// The first SIGTERM, SIGINT or SIGQUIT drains the daemon; the second aborts at once, whatever HTTP still waits for. SIGHUP reloads the
/// settings of a service, and without a service manager it is a closed terminal: a stop.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT];

    private readonly WebApplication _app;
    private readonly MailPipeline _pipeline;
    private readonly LastAnswers _lastAnswers;
    private readonly CancellationTokenSource _aborted = new();
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _asked;
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    /// <param name="reload">What SIGHUP does; null: it is a stop.</param>
    public StopSignals(WebApplication app, Action? reload)
    {
        _app = app;
        _lastAnswers = app.Services.GetRequiredService<LastAnswers>();
        _pipeline = app.Services.GetRequiredService<MailPipeline>();
        _asked = app.Lifetime.ApplicationStopping.UnsafeRegister(
            static stopping => ((TaskCompletionSource)stopping!).TrySetResult(),
            _stopping
        );
        _registrations =
        [
            .. Signals.Select(signal => PosixSignalRegistration.Create(signal, OnSignal)),
            PosixSignalRegistration.Create(
                PosixSignal.SIGHUP,
                context =>
                {
                    context.Cancel = true;
                    if (reload is null)
                        OnSignal(context);
                    else
                        reload();
                }
            ),
        ];
    }

    /// <summary>Whether a stop was requested.</summary>
    public bool Asked => _stopping.Task.IsCompleted;

    /// <summary>Waits until a signal or a crash requests a stop, then stops the application.</summary>
    public async Task StopWhenAskedAsync()
    {
        await _stopping.Task;
        await _app.StopAsync(_aborted.Token);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _asked.Dispose();
        _aborted.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) == 1)
        {
            _ = StopAfterLastAnswersAsync();
            return;
        }

        _pipeline.Abort();
        _aborted.Cancel();
    }

    private async Task StopAfterLastAnswersAsync()
    {
        await _lastAnswers.GiveAsync(_aborted.Token);
        _app.Lifetime.StopApplication();
    }
}
