using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>Explains what is wrong with JSON that could not be read. Only <see cref="InText"/> also runs on valid input.</summary>
internal static class JsonFaults
{
    private const int MaxDepth = 64; // the default of the readers

    public static readonly Problem NotAnObject = new(
        422,
        "invalid_type",
        "Must be a JSON object.",
        [new("", "invalid_type", "Must be a JSON object.")]
    );

    public static ReadOnlyMemory<byte> WithoutBom(ReadOnlyMemory<byte> json) => json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json;

    /// <summary>
    /// Checks what every later reader relies on: valid UTF-8, and no <c>\u</c> escape of half a surrogate pair, which would throw when the
    /// text
    /// is read.
    /// </summary>
    public static Problem? InText(ReadOnlySpan<byte> json, JsonOrigin origin)
    {
        if (!Utf8.IsValid(json))
            return Malformed(json, origin, FirstInvalid(json), "The text is not UTF-8");
        for (var at = json.IndexOf((byte)'\\'); at >= 0; )
        {
            var high = Escaped(json, at);
            var pair = high is >= 0xD800 and <= 0xDBFF;
            if (high is >= 0xDC00 and <= 0xDFFF || (pair && Escaped(json, at + 6) is not (>= 0xDC00 and <= 0xDFFF)))
            {
                return Malformed(json, origin, at, "A \\u escape is half of a surrogate pair");
            }

            at +=
                high < 0 ? 2
                : pair ? 12
                : 6;
            if (at >= json.Length)
                break;
            var next = json[at..].IndexOf((byte)'\\');
            at = next < 0 ? -1 : at + next;
        }

        return null;
    }

    /// <summary>Returns null when the JSON is well-formed.</summary>
    public static Problem? Syntax(ReadOnlySpan<byte> json, JsonOrigin origin)
    {
        if (Ends(json, MaxDepth) is not { } end)
            return null;
        return Ends(json, int.MaxValue) is null
            ? Malformed(json, origin, end, $"Nested deeper than {MaxDepth} levels")
            : Malformed(json, origin, end, "This is not JSON");
    }

    /// <summary>Explains why binding threw: malformed JSON (400), or a member given twice or of the wrong type (422).</summary>
    public static Problem Explain(ReadOnlySpan<byte> json, JsonOrigin origin, JsonException thrown)
    {
        if (Syntax(json, origin) is { } malformed)
            return malformed;
        var duplicate = Duplicate(json);
        var pointer = JsonPointer.Short(duplicate ?? JsonPointer.FromPath(thrown.Path));
        var error = duplicate is null
            ? new FieldError(pointer, "invalid_type", Expected(pointer))
            : new(pointer, "duplicate_field", "Given twice.");
        return new(422, error.Code, pointer.Length > 0 ? $"{pointer}: {error.Detail}" : error.Detail, [error]);
    }

    private static string Expected(string pointer) =>
        pointer.Split('/') switch
        {
            [_] or [_, "attachments", _] or [_, "attachments", _, "auth"] or [_, "alternatives", _] => "Must be a JSON object.",
            [_, "headers"] => "Must be an object of text values.",
            [_, "attachments" or "alternatives"] => "Must be a list of objects.",
            [_, "attachments", _, "size"] => "Must be a whole number.",
            [_, "tags"] => "Must be a list of text.",
            [_, "metadata"] => "Must be an object.",
            _ => "Must be text.",
        };

    private static long? Ends(ReadOnlySpan<byte> json, int maxDepth)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = maxDepth });
        try
        {
            while (reader.Read())
            {
                // Reads only to find out whether the JSON is valid.
            }

            return null;
        }
        catch (JsonException)
        {
            return reader.BytesConsumed;
        }
    }

    // The JSON pointer of the first duplicate member.
    private static string? Duplicate(ReadOnlySpan<byte> json)
    {
        var open = new Stack<(HashSet<string>? Names, int Index)>();
        var path = new Stack<string>();
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    open.Pop();
                    if (path.Count > 0)
                        path.Pop();
                    continue;
                case JsonTokenType.PropertyName:
                    var name = reader.GetString()!;
                    path.Push(JsonPointer.Escape(name));
                    if (!open.Peek().Names!.Add(name))
                        return "/" + string.Join('/', path.Reverse());
                    continue;
            }

            if (open.TryPeek(out var within) && within.Names is null)
            {
                open.Push(open.Pop() with { Index = within.Index + 1 });
                path.Push(within.Index.ToString(System.Globalization.CultureInfo.InvariantCulture));
            }

            if (reader.TokenType == JsonTokenType.StartObject)
                open.Push((new(StringComparer.Ordinal), 0));
            else if (reader.TokenType == JsonTokenType.StartArray)
                open.Push((null, 0));
            else if (path.Count > 0)
                path.Pop();
        }

        return null;
    }

    private static int Escaped(ReadOnlySpan<byte> json, int at) =>
        at + 6 <= json.Length
        && json[at] == '\\'
        && json[at + 1] == 'u'
        && Utf8Parser.TryParse(json.Slice(at + 2, 4), out ushort unit, out var used, 'x')
        && used == 4
            ? unit
            : -1;

    private static long FirstInvalid(ReadOnlySpan<byte> json)
    {
        var at = 0;
        while (at < json.Length && Rune.DecodeFromUtf8(json[at..], out _, out var used) == OperationStatus.Done)
            at += used;
        return at;
    }

    // Whatever was cut out of the text had no line end.
    private static Problem Malformed(ReadOnlySpan<byte> json, JsonOrigin origin, long at, string what)
    {
        var before = json[..(int)Math.Min(at, json.Length)];
        var line = before.Count((byte)'\n') + 1;
        var begins = before.LastIndexOf((byte)'\n');
        return new(400, "malformed_json", $"{what}: line {line}, byte {before.Length - begins + origin.Between(begins, before.Length)}.");
    }
}
