using System.Text;
using System.Text.Unicode;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary>The lines of an import: gathers their entries, and tells what is wrong with those that are refused. Pure.</summary>
internal sealed class SuppressionLines(string tenant, bool isCsv)
{
    /// <summary>Bytes of a line, at most.</summary>
    public const int Longest = 4_096;

    private const int MostTold = 100;

    private readonly Dictionary<string, Suppression> _entries = new(StringComparer.Ordinal);
    private readonly List<SuppressionLineError> _errors = [];
    private long _line;

    /// <summary>What was taken since <see cref="Clear"/>; of two lines for the same target the later.</summary>
    public IReadOnlyCollection<Suppression> Entries => _entries.Values;

    public int Refused { get; private set; }

    /// <summary>The first that were refused.</summary>
    public IReadOnlyList<SuppressionLineError> Errors => _errors;

    public void Clear() => _entries.Clear();

    /// <param name="isWhole">False: the line is longer than this.</param>
    public void Take(ReadOnlySpan<byte> octets, bool isWhole, long now)
    {
        _line++;
        if (!isWhole || octets.Length > Longest)
        {
            Refuse(new("", "too_long", $"A line has at most {Longest} bytes."));
            return;
        }

        var text = octets.TrimEnd((byte)'\r');
        if (_line == 1 && text.StartsWith(Encoding.UTF8.Preamble))
            text = text[Encoding.UTF8.Preamble.Length..];
        if (text.IsEmpty || (isCsv && IsHead(text)))
            return;
        var (entry, fault) = isCsv ? OfCsv(text, now) : SuppressionEntries.OfJson(text.ToArray(), tenant, now);
        if (entry is not null)
            _entries[entry.Target] = entry;
        else if (fault is { } wrong)
            Refuse(wrong);
    }

    private (Suppression? Entry, FieldError? Fault) OfCsv(ReadOnlySpan<byte> text, long now) =>
        Utf8.IsValid(text)
            ? SuppressionEntries.OfCsv(Encoding.UTF8.GetString(text), tenant, now)
            : (null, new("", "malformed_csv", "Must be UTF-8."));

    private bool IsHead(ReadOnlySpan<byte> text) => _line == 1 && (text.StartsWith("address,"u8) || text.SequenceEqual("address"u8));

    private void Refuse(FieldError fault)
    {
        Refused++;
        if (_errors.Count < MostTold)
            _errors.Add(new(_line, fault.Code, fault.Pointer.Length > 0 ? $"{fault.Pointer}: {fault.Detail}" : fault.Detail));
    }
}
