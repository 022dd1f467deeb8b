using System.Runtime.InteropServices;
using MailProxy.Pipeline;

namespace MailProxy.Daemon.Hosting;

/// <summary>The first SIGTERM or SIGINT drains (the host's own handling); the second lets go at once.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    public SecondSignal(MailPipeline pipeline)
    {
        void Count(PosixSignalContext context)
        {
            context.Cancel = true;
            if (Interlocked.Increment(ref _signals) > 1) pipeline.Abort();
        }

        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count), PosixSignalRegistration.Create(PosixSignal.SIGINT, Count)];
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }
}
