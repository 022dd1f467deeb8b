using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace MailProxy.Daemon.Sandbox;

/// <summary>The loop of one conversation: reads lines and bodies, writes replies, and waits where a rehearsal says so.</summary>
internal sealed class SandboxConnection(
    Socket socket,
    SandboxSession session,
    SandboxMailbox mailbox,
    SandboxMemory memory,
    SandboxOptions options,
    TimeProvider clock
)
{
    // RFC 5321 requires 512 and extensions add to it; this leaves space for an SMTPUTF8 address and an ORCPT.
    private const int MaxLine = 4096;

    private bool _skipping;

    /// <summary>Returns when the client or a reply has ended the conversation.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 << 10, minimumReadSize: 4 << 10, leaveOpen: true));
        var output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        using var data = new DataDecoder(options.MaxMessageBytes, memory);
        try
        {
            await ConverseAsync(input, output, data, stop);
        }
        finally
        {
            await input.CompleteAsync();
            await output.CompleteAsync();
        }
    }

    private async Task ConverseAsync(PipeReader input, PipeWriter output, DataDecoder data, CancellationToken stop)
    {
        if (!await AnswerAsync(output, SandboxSession.Greeting, stop))
            return;
        var inData = false;
        while (true)
        {
            // Commands that a pipelining client sent together are answered together (RFC 2920 3.2).
            await output.FlushAsync(stop);
            var read = await input.ReadAsync(stop);
            var rest = read.Buffer;
            while (!rest.IsEmpty)
            {
                if (inData)
                {
                    if (session.DropsBody)
                        return;
                    if (!Take(data, ref rest))
                        break;
                    inData = false;
                    if (!await FinishAsync(output, data, stop))
                        return;
                }
                else
                {
                    if (Next(ref rest) is not { } reply)
                        break;
                    if (!await AnswerAsync(output, reply, stop))
                        return;
                    inData = reply.Then == SandboxStep.Data;
                    if (inData)
                        data.Reset();
                }
            }

            input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                return;
        }
    }

    /// <summary>
    /// The reply to the next whole line; null when there is none yet. A line that is too long is skipped to its end.
    /// </summary>
    private SandboxReply? Next(ref ReadOnlySequence<byte> rest)
    {
        if (rest.PositionOf((byte)'\n') is not { } feed)
        {
            if (rest.Length <= MaxLine)
                return null;
            _skipping = true;
            rest = rest.Slice(rest.End);
            return null;
        }

        var line = rest.Slice(0, feed);
        rest = rest.Slice(rest.GetPosition(1, feed));
        if (_skipping || line.Length > MaxLine)
        {
            _skipping = false;
            return session.Count(SandboxReply.LineTooLong);
        }

        if (line.IsSingleSegment)
            return Handle(line.FirstSpan);
        Span<byte> whole = stackalloc byte[MaxLine];
        line.CopyTo(whole);
        return Handle(whole[..(int)line.Length]);
    }

    private SandboxReply Handle(ReadOnlySpan<byte> line) =>
        line is [.., (byte)'\r'] ? session.Handle(line[..^1]) : session.Count(SandboxReply.BareLineFeed);

    /// <summary>Reads body data. Returns true when the final dot was found.</summary>
    private static bool Take(DataDecoder data, ref ReadOnlySequence<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            var ended = data.Read(rest.FirstSpan, out var used);
            rest = rest.Slice(used);
            if (ended)
                return true;
        }

        return false;
    }

    private ValueTask<bool> FinishAsync(PipeWriter output, DataDecoder data, CancellationToken stop)
    {
        var (reply, keep) = session.EndOfData(data);

        // Kept before the reply is sent, so that a client that has read the reply finds the mail in the mailbox.
        if (keep)
            mailbox.Add(clock.GetUtcNow(), session.Sender!, [.. session.Recipients], data.Detach());
        session.EndTransaction();
        return AnswerAsync(output, reply, stop);
    }

    /// <summary>Writes a reply. Returns false when the conversation has ended.</summary>
    private async ValueTask<bool> AnswerAsync(PipeWriter output, SandboxReply reply, CancellationToken stop)
    {
        if (reply.Delay > TimeSpan.Zero)
        {
            await output.FlushAsync(stop);
            await Task.Delay(reply.Delay, clock, stop);
        }

        output.Write(reply.Bytes.Span);
        if (reply.Then == SandboxStep.Close)
            await output.FlushAsync(stop);
        return reply.Then != SandboxStep.Close;
    }
}
