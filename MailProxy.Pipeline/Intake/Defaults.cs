using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>
/// Top-level members that are merged into every message of a batch that does not write them itself. A null in a message counts as written,
/// so a message can drop a default. An id is never merged.
/// </summary>
internal sealed class Defaults
{
    public static readonly Defaults None = new([]);

    private readonly (byte[] Name, ReadOnlyMemory<byte> Member)[] _members;

    private Defaults((byte[] Name, ReadOnlyMemory<byte> Member)[] members) => _members = members;

    /// <summary>Reads and checks the defaults once per request; problems point at <c>/defaults</c>.</summary>
    public static Problem? Read(ReadOnlyMemory<byte> json, IngestOptions options, out Defaults defaults)
    {
        defaults = None;
        if (json.IsEmpty || json.Span.SequenceEqual("null"u8))
            return null;
        if (DraftShape.Fault(json.Span, options, out var values) is { } shape)
            return Located(shape);
        var draft = DraftBinder.Bind(json, new(RemovedText.None, 0), null);
        if (draft.Problem is { } problem)
            return Located(problem);

        var errors = new Mistakes();
        foreach (var member in draft.Mail!.Unknown?.Keys ?? Enumerable.Empty<string>())
            errors.Add(JsonPointer.Member("/defaults", member), "unknown_field", "Unknown field.");
        if (errors.Any)
            return errors.ToProblem("The defaults were not understood.");
        defaults = new(Members(json)) { Values = values };
        return null;
    }

    /// <summary>Number of JSON values that the defaults add to a merged message at most.</summary>
    public int Values { get; private init; }

    /// <summary>Bytes by which <see cref="MergeInto"/> makes the message longer.</summary>
    public int MoreIn(ReadOnlyMemory<byte> message)
    {
        if (_members.Length == 0 || message.Span[0] != '{')
            return 0;
        Span<bool> written = stackalloc bool[_members.Length];
        var any = Written(message, written);
        var more = any ? 0 : -1; // no comma before the first member
        for (var i = 0; i < _members.Length; i++)
        {
            if (!written[i])
                more += _members[i].Member.Length + 1;
        }

        return Math.Max(0, more);
    }

    /// <summary>Merges the defaults: returns the message itself when there is nothing to add, otherwise a new buffer.</summary>
    public ReadOnlyMemory<byte> MergeInto(ReadOnlyMemory<byte> message)
    {
        if (_members.Length == 0 || message.Span[0] != '{')
            return message;

        Span<bool> written = stackalloc bool[_members.Length];
        var any = Written(message, written);
        if (!written.Contains(false))
            return message;
        var merged = new byte[message.Length + MoreIn(message)];
        message.Span[..^1].CopyTo(merged);
        var end = message.Length - 1;
        for (var i = 0; i < _members.Length; i++)
        {
            if (written[i])
                continue;
            if (any)
                merged[end++] = (byte)',';
            any = true;
            _members[i].Member.Span.CopyTo(merged.AsSpan(end));
            end += _members[i].Member.Length;
        }

        merged[end++] = (byte)'}';
        return merged.AsMemory(0, end);
    }

    // Whether the message has any members, and which of the defaults it writes itself.
    private bool Written(ReadOnlyMemory<byte> message, Span<bool> written)
    {
        var any = false;
        var reader = new Utf8JsonReader(message.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            any = true;
            for (var i = 0; i < _members.Length; i++)
                written[i] |= reader.ValueTextEquals(_members[i].Name);
            reader.Skip();
        }

        return any;
    }

    private static Problem Located(Problem problem) =>
        problem with
        {
            Errors = [.. problem.Errors.Select(static e => e with { Pointer = "/defaults" + e.Pointer })],
        };

    /// <summary>Whether an object that was parsed before has this top-level member, given as a token of a JSON pointer.</summary>
    public static bool Writes(ReadOnlyMemory<byte> json, string token)
    {
        if (json.Span is not [(byte)'{', ..])
            return false;
        var name = JsonPointer.Unescape(token);
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(name))
                return true;
            reader.Skip();
        }

        return false;
    }

    private static (byte[], ReadOnlyMemory<byte>)[] Members(ReadOnlyMemory<byte> json)
    {
        var members = new List<(byte[], ReadOnlyMemory<byte>)>();
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var name = System.Text.Encoding.UTF8.GetBytes(reader.GetString()!);
            reader.Skip();
            if (!name.AsSpan().SequenceEqual("id"u8))
                members.Add((name, json[start..(int)reader.BytesConsumed]));
        }

        return [.. members];
    }
}
