using MailProxy.Pipeline.Sharing;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Bytes of a request, charged to its tenant before there is capacity for them, and no faster than they come. Disposing it ends the charge;
/// the bytes stay valid for whoever still looks at them.
/// </summary>
internal sealed class ChargedBuffer(SharedCapacity memory, string tenant, WaitBudget wait, LargeGarbage garbage, CancellationToken gone)
    : IDisposable
{
    /// <summary>The smaller buffers before it, and the texts that are twice as large as their bytes.</summary>
    private const long TimesItsSize = 4;

    private SharedCapacity.Charge? _charge;
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    /// <summary>What is allocated, charged and not filled yet.</summary>
    public Memory<byte> Free => _bytes.AsMemory(Length);

    /// <summary>What is filled, to be changed in place.</summary>
    public Memory<byte> Filling => _bytes.AsMemory(0, Length);

    public void Filled(int count) => Length += count;

    /// <summary>Of what is filled only so much is left.</summary>
    public void Shrink(int length) => Length = length;

    /// <summary>False: there was no memory to be had within the request's wait.</summary>
    public async ValueTask<bool> GrowAsync(int capacity)
    {
        var more = capacity - _bytes.Length;
        if (more <= 0)
            return true;
        if (!await ChargeAsync(more))
            return false;

        var larger = GC.AllocateUninitializedArray<byte>(capacity);
        Bytes.CopyTo(larger);
        _bytes = larger;
        return true;
    }

    /// <summary>Charges what is to be made of the bytes; false as above.</summary>
    public ValueTask<bool> ChargeAsync(long more) =>
        wait.TryAsync(static (at, cancel) => at.Self.TakeAsync(at.More, cancel), (Self: this, More: more), gone);

    public void Dispose()
    {
        _charge?.Dispose();
        if (_bytes.Length >= LargeGarbage.Large)
            garbage.Note(_bytes.Length * TimesItsSize);
        _bytes = [];
    }

    private async ValueTask TakeAsync(long more, CancellationToken cancel)
    {
        if (_charge is null)
            _charge = await memory.TakeAsync(tenant, more, cancel);
        else
            await memory.GrowAsync(_charge, more, cancel);
    }
}
