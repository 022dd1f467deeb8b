namespace MailProxy.Pipeline.Configuration;

/// <summary>One change of configuration at a time: each reads what is there, decides, and writes.</summary>
public sealed class ConfigurationTurn : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    public async ValueTask<IDisposable> TakeAsync(CancellationToken cancel = default)
    {
        await _turn.WaitAsync(cancel);
        return new Turn(_turn);
    }

    public void Dispose() => _turn.Dispose();

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
