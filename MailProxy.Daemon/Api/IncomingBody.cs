using System.Security.Cryptography;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;

namespace MailProxy.Daemon.Api;

/// <summary>
/// A submission's body as it arrives: in memory while it is small; beyond that its long strings go to the spool. Disposing it
/// ends the charges,
/// and removes the files that were not handed over.
/// </summary>
/// <param name="shape">How messages stand in it.</param>
/// <param name="threshold">Bytes up to which nothing is cut out, of the body and of a message.</param>
/// <param name="fingerprint">Is given every byte; null: nobody asks for it.</param>
internal sealed class IncomingBody(
    ChargedBuffer buffer,
    RequestSpool spool,
    SpoolCharge charge,
    RequestShape shape,
    int threshold,
    IncrementalHash? fingerprint
) : IDisposable
{
    /// <summary>What is read at a time once strings go to the spool: so much may have to be written at once.</summary>
    private const int Piece = 128 << 10;

    private bool _handedOver;

    /// <summary>What stays in memory.</summary>
    public ChargedBuffer Buffer => buffer;

    /// <summary>What was cut out; null: nothing.</summary>
    public LongStrings? Cut { get; private set; }

    /// <summary>Bytes that came.</summary>
    public long Total { get; private set; }

    /// <summary>Where the next bytes are read to; empty: the buffer has to grow first.</summary>
    public Memory<byte> Free => Cut is not null && buffer.Free.Length > Piece ? buffer.Free[..Piece] : buffer.Free;

    /// <summary>Takes what was read. What went wrong, otherwise null.</summary>
    public async ValueTask<SpoolFault?> FilledAsync(int count)
    {
        fingerprint?.AppendData(buffer.Free.Span[..count]);
        buffer.Filled(count);
        Total += count;
        if (Cut is null && buffer.Length <= threshold)
            return null;
        try
        {
            Cut ??= spool.NewCut(shape, threshold);
            buffer.Shrink(Cut.Take(buffer.Filling.Span, buffer.Length));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            spool.Failed(error);
            return SpoolFault.Disk;
        }

        if (Cut.Spooled == 0)
            return null;
        if (!await charge.GrowAsync(Cut.Spooled))
            return SpoolFault.NoRoom;
        return await spool.TryWriteAsync(Cut) ? null : SpoolFault.Disk;
    }

    /// <summary>Nothing follows.</summary>
    public void End() => Cut?.End();

    /// <summary>The files are the submission's now, with what they are charged.</summary>
    public void HandOver(Submission submission)
    {
        _handedOver = true;
        submission.OnDisk(charge);
    }

    public void Dispose()
    {
        if (!_handedOver)
        {
            Cut?.Dispose();
            charge.Dispose();
        }

        fingerprint?.Dispose();
        buffer.Dispose();
    }
}

/// <summary>Why a part of a body could not go to the spool.</summary>
internal enum SpoolFault
{
    /// <summary>The tenant has as much there as it may.</summary>
    NoRoom,

    /// <summary>The disk does not take it.</summary>
    Disk,
}
