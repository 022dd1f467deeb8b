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
    private bool _cutting;
    private int _line; // where the line begins that comes now; what is no NDJSON is one line

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
        if (!_cutting && buffer.Length - _line <= threshold)
            return null;
        try
        {
            Cut ??= spool.NewCut(shape, threshold);
            if (!_cutting)
                Cut.Skip(_line);
            _cutting = true;
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

    /// <summary>A line of NDJSON is complete: the next one is short again, so far.</summary>
    public void EndLine() => (_line, _cutting) = (buffer.Length, false);

    /// <summary>Nothing follows.</summary>
    public void End() => Cut?.End();

    /// <summary>The files are the submission's now, with what they are charged.</summary>
    public void HandOver(Submission submission)
    {
        _handedOver = true;

        // Of a line with a second document, and of one that is not complete, a file may belong to no draft.
        foreach (var stray in Cut?.All.Except(submission.Drafts.Select(static draft => draft.Spooled)) ?? [])
            stray!.Dispose();
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
