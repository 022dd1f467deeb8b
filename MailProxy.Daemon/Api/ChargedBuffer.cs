using MailProxy.Pipeline;

namespace MailProxy.Daemon.Api;

/// <summary>Bytes of a request body, each charged to the budget before it is read. Disposing it ends the charges; the bytes stay valid for whoever still looks at them.</summary>
internal sealed class ChargedBuffer(ByteBudget budget, Patience patience, CancellationToken gone) : IDisposable
{
    private readonly List<IDisposable> _charges = new(1);
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    /// <summary>What is allocated, charged and not filled yet.</summary>
    public Memory<byte> Room => _bytes.AsMemory(Length);

    public void Filled(int count) => Length += count;

    /// <summary>False: there was no memory to be had within the request's patience.</summary>
    public async ValueTask<bool> GrowAsync(int capacity)
    {
        var more = capacity - _bytes.Length;
        if (more <= 0) return true;
        if (!await patience.TryAsync(static (at, cancel) => at.Self.ChargeAsync(at.More, cancel), (Self: this, More: more), gone)) return false;

        var larger = GC.AllocateUninitializedArray<byte>(capacity);
        Bytes.CopyTo(larger);
        _bytes = larger;
        return true;
    }

    public void Dispose()
    {
        foreach (var charge in _charges) charge.Dispose();
        _charges.Clear();
    }

    private async ValueTask ChargeAsync(int more, CancellationToken cancel) => _charges.Add(await budget.ChargeAsync(more, cancel));
}
