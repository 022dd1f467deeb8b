using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>
/// The octets of one slot: a mark with its phase, and what the server answered, each under a checksum. Pure. All numbers are little endian.
/// </summary>
/// <remarks>
/// A slot is written again while it is in use, and a power cut may leave some sectors of it as they were. The mark stands in the first
/// sector, which is written whole or not at all, with a checksum of its own: an answer that is torn costs the answer and not the mark.
/// </remarks>
internal static class FlightSlot
{
    /// <summary>Octets of a slot.</summary>
    public const int Size = 1024;

    /// <summary>Octets of a run's id.</summary>
    public const int RunSize = 16;

    private const int PhaseAt = 4,
        PriorityAt = 5,
        CountAt = 6,
        RunAt = 8,
        MessageAt = 24,
        RevisionAt = 32,
        AttemptAt = 36,
        LaneAt = 40,
        RecipientsAt = 44,
        DueAt = 48,
        TimeAt = 56,
        PermitsAt = 64,
        WantedAt = 88,
        AnswerSumAt = 92,
        VerdictsAt = 96;

    /// <summary>A limit's key, and the permits that count for it.</summary>
    private const int PermitSize = 8;

    /// <summary>Ordinal, verdict, reply code, delay, and the lengths of two texts.</summary>
    private const int VerdictSize = 14;

    private const int MaxEnhancedCode = 32;

    /// <summary>Writes a mark, without an answer.</summary>
    public static void Write(Span<byte> slot, ReadOnlySpan<byte> run, FlightPhase phase, Mark mark)
    {
        slot.Clear();
        var ticket = mark.Ticket;
        slot[PhaseAt] = (byte)phase;
        slot[PriorityAt] = (byte)ticket.Priority;
        run.CopyTo(slot[RunAt..]);
        Put(slot, MessageAt, ticket.Id);
        Put(slot, RevisionAt, ticket.Revision);
        Put(slot, AttemptAt, ticket.Attempt);
        Put(slot, LaneAt, ticket.Lane.Number);
        Put(slot, RecipientsAt, mark.Recipients);
        Put(slot, WantedAt, ticket.Recipients);
        Put(slot, DueAt, ticket.Due);
        Put(slot, TimeAt, mark.At);
        Put(slot, PermitsAt, mark.Permits.Account);
        Put(slot, PermitsAt + PermitSize, mark.Permits.Tenant);
        Put(slot, PermitsAt + 2 * PermitSize, mark.Permits.Installation);
        Seal(slot);
    }

    /// <summary>Raises the phase of a slot that was written before.</summary>
    /// <param name="at">When the body began, Unix milliseconds.</param>
    public static void WritePhase(Span<byte> slot, FlightPhase phase, long at)
    {
        slot[PhaseAt] = (byte)phase;
        Put(slot, TimeAt, at);
        Seal(slot);
    }

    /// <summary>Adds the answer to a slot. False: it does not fit, and the slot is as it was.</summary>
    public static bool TryWriteAnswer(Span<byte> slot, IReadOnlyList<RecipientVerdict> verdicts)
    {
        var needed = VerdictsAt;
        foreach (var verdict in verdicts)
            needed += VerdictSize + Length(verdict.EnhancedCode) + Length(verdict.Reply);
        if (needed > slot.Length || verdicts.Any(static verdict => Length(verdict.EnhancedCode) > MaxEnhancedCode))
            return false;

        BinaryPrimitives.WriteUInt16LittleEndian(slot[CountAt..], (ushort)verdicts.Count);
        var at = VerdictsAt;
        foreach (var verdict in verdicts)
            at += Write(slot[at..], verdict);
        slot[PhaseAt] = (byte)FlightPhase.Answered;
        BinaryPrimitives.WriteUInt32LittleEndian(slot[AnswerSumAt..], Checksum(slot[VerdictsAt..]));
        Seal(slot);
        return true;
    }

    /// <summary>Null: the slot is free, torn, or of another run. An answer that is torn is none: the server may have the message.</summary>
    public static FlightRecord? Read(ReadOnlySpan<byte> slot, ReadOnlySpan<byte> run)
    {
        var phase = (FlightPhase)slot[PhaseAt];
        if (phase is FlightPhase.None or > FlightPhase.Answered || !slot.Slice(RunAt, RunSize).SequenceEqual(run) || !IsWhole(slot))
            return null;
        var ticket = new QueuedMail(
            Long(slot, MessageAt),
            Int(slot, RevisionAt),
            new LaneKey(Int(slot, LaneAt)),
            (Priority)slot[PriorityAt],
            Int(slot, AttemptAt),
            Long(slot, DueAt),
            Int(slot, WantedAt)
        );
        var permits = new PermitCounts(
            Permit(slot, PermitsAt),
            Permit(slot, PermitsAt + PermitSize),
            Permit(slot, PermitsAt + 2 * PermitSize)
        );
        var mark = new Mark(ticket, Int(slot, RecipientsAt), permits, Long(slot, TimeAt));
        if (phase != FlightPhase.Answered)
            return new(phase, mark, []);
        return HasWholeAnswer(slot) ? new(phase, mark, ReadVerdicts(slot)) : new(FlightPhase.Out, mark, []);
    }

    private static void Put(Span<byte> slot, int at, PermitCount count)
    {
        Put(slot, at, count.Key.Stored);
        Put(slot, at + 4, count.Permits);
    }

    private static PermitCount Permit(ReadOnlySpan<byte> slot, int at) => new(LimitKey.FromStored(Int(slot, at)), Int(slot, at + 4));

    private static int Write(Span<byte> to, RecipientVerdict verdict)
    {
        Put(to, 0, verdict.Ordinal);
        to[4] = (byte)verdict.Verdict;
        to[5] = (byte)(verdict.EnhancedCode is null ? 0 : 1 + Length(verdict.EnhancedCode));
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], (ushort)(verdict.SmtpCode ?? 0));
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], (ushort)(verdict.Reply is null ? 0 : 1 + Length(verdict.Reply)));
        Put(to, 10, (verdict.RetryAfter ?? verdict.LeastWait) is { } delay ? (int)Math.Clamp(delay.TotalSeconds, 0, int.MaxValue - 1) : -1);
        var at = VerdictSize;
        at += Encoding.UTF8.GetBytes(verdict.EnhancedCode ?? "", to[at..]);
        at += Encoding.UTF8.GetBytes(verdict.Reply ?? "", to[at..]);
        return at;
    }

    private static RecipientVerdict[] ReadVerdicts(ReadOnlySpan<byte> slot)
    {
        var verdicts = new RecipientVerdict[BinaryPrimitives.ReadUInt16LittleEndian(slot[CountAt..])];
        var at = VerdictsAt;
        for (var i = 0; i < verdicts.Length; i++)
        {
            var from = slot[at..];
            int code = BinaryPrimitives.ReadUInt16LittleEndian(from[6..]),
                delay = Int(from, 10);
            at += VerdictSize;
            var enhanced = Text(slot, ref at, from[5]);
            var reply = Text(slot, ref at, BinaryPrimitives.ReadUInt16LittleEndian(from[8..]));
            verdicts[i] = new(
                Int(from, 0),
                "",
                (Verdict)from[4],
                code == 0 ? null : code,
                enhanced,
                reply,
                delay < 0 ? null : TimeSpan.FromSeconds(delay)
            );
        }

        return verdicts;
    }

    // The length is one more than that of the text; 0: there is none.
    private static string? Text(ReadOnlySpan<byte> slot, ref int at, int length)
    {
        if (length == 0)
            return null;
        var text = Encoding.UTF8.GetString(slot.Slice(at, length - 1));
        at += length - 1;
        return text;
    }

    private static int Length(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

    private static bool IsWhole(ReadOnlySpan<byte> slot) => BinaryPrimitives.ReadUInt32LittleEndian(slot) == MarkSum(slot);

    private static bool HasWholeAnswer(ReadOnlySpan<byte> slot) =>
        BinaryPrimitives.ReadUInt32LittleEndian(slot[AnswerSumAt..]) == Checksum(slot[VerdictsAt..]);

    private static void Seal(Span<byte> slot) => BinaryPrimitives.WriteUInt32LittleEndian(slot, MarkSum(slot));

    // Of the mark and of the answer's checksum, which are everything before the verdicts.
    private static uint MarkSum(ReadOnlySpan<byte> slot) =>
        BitOperations.Crc32C(Checksum(slot[8..VerdictsAt]), BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]));

    // CRC-32C, which the processor reckons by itself.
    private static uint Checksum(ReadOnlySpan<byte> octets)
    {
        var sum = ~0u;
        for (var at = 0; at < octets.Length; at += 8)
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(octets[at..]));
        return ~sum;
    }

    private static void Put(Span<byte> slot, int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(slot[at..], value);

    private static void Put(Span<byte> slot, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(slot[at..], value);

    private static long Long(ReadOnlySpan<byte> slot, int at) => BinaryPrimitives.ReadInt64LittleEndian(slot[at..]);

    private static int Int(ReadOnlySpan<byte> slot, int at) => BinaryPrimitives.ReadInt32LittleEndian(slot[at..]);
}
