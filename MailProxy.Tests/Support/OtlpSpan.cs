using System.Buffers.Binary;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>A span as a collector got it, ids as hexadecimal digits.</summary>
internal sealed record OtlpSpan(
    string TraceId,
    string SpanId,
    string ParentId,
    string State,
    string Name,
    int Kind,
    ulong Start,
    ulong End,
    int Status
)
{
    public string Source { get; init; } = "";

    public IReadOnlyDictionary<string, object> Attributes { get; init; } = new Dictionary<string, object>();

    public IReadOnlyList<(string TraceId, string SpanId)> Links { get; init; } = [];

    /// <summary>What the process says of itself.</summary>
    public IReadOnlyDictionary<string, object> Resource { get; init; } = new Dictionary<string, object>();

    /// <summary>Reads an ExportTraceServiceRequest (opentelemetry/proto/collector/trace/v1), as far as these tests look at it.</summary>
    public static IEnumerable<OtlpSpan> Read(byte[] request)
    {
        foreach (var resourceSpans in Fields(request).Where(static field => field.Number == 1))
        {
            var resource = Fields(resourceSpans.Bytes)
                .Where(static field => field.Number == 1)
                .SelectMany(static field => Pairs(field.Bytes, 1));
            var about = resource.ToDictionary(static pair => pair.Key, static pair => pair.Value);
            foreach (var scopeSpans in Fields(resourceSpans.Bytes).Where(static field => field.Number == 2))
            {
                var parts = Fields(scopeSpans.Bytes).ToList();
                var source = parts
                    .Where(static part => part.Number == 1)
                    .SelectMany(static part => Fields(part.Bytes))
                    .First(static f => f.Number == 1);
                foreach (var span in parts.Where(static part => part.Number == 2))
                    yield return One(span.Bytes) with
                    {
                        Source = source.Text,
                        Resource = about,
                    };
            }
        }
    }

    private static OtlpSpan One(byte[] span)
    {
        var fields = Fields(span).ToList();
        Field? Of(int number) => fields.Find(field => field.Number == number);
        var status = Of(15) is { } said ? Fields(said.Bytes).FirstOrDefault(static field => field.Number == 3)?.Value ?? 0 : 0;
        return new(
            Of(1)!.Hex,
            Of(2)!.Hex,
            Of(4)?.Hex ?? "",
            Of(3)?.Text ?? "",
            Of(5)!.Text,
            (int)(Of(6)?.Value ?? 0),
            Of(7)!.Value,
            Of(8)!.Value,
            (int)status
        )
        {
            Attributes = Pairs(span, 9).ToDictionary(static pair => pair.Key, static pair => pair.Value),
            Links =
            [
                .. fields
                    .Where(static field => field.Number == 13)
                    .Select(static link => Fields(link.Bytes).ToList())
                    .Select(static link => (link.Find(static f => f.Number == 1)!.Hex, link.Find(static f => f.Number == 2)!.Hex)),
            ],
        };
    }

    private static IEnumerable<KeyValuePair<string, object>> Pairs(byte[] message, int number)
    {
        foreach (var pair in Fields(message).Where(field => field.Number == number))
        {
            var parts = Fields(pair.Bytes).ToList();
            yield return KeyValuePair.Create(parts[0].Text, Any(Fields(parts[1].Bytes).First()));
        }
    }

    private static object Any(Field value) =>
        value.Number switch
        {
            1 => value.Text,
            2 => value.Value == 1,
            3 => (long)value.Value,
            4 => BitConverter.UInt64BitsToDouble(value.Value),
            5 => string.Join(',', Fields(value.Bytes).Select(static one => Any(Fields(one.Bytes).First()))),
            _ => value.Hex,
        };

    private static IEnumerable<Field> Fields(byte[] message)
    {
        for (var at = 0; at < message.Length; )
        {
            var tag = Varint(message, ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    yield return new(number, Varint(message, ref at), []);
                    break;
                case 1:
                    yield return new(number, BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at)), []);
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    yield return new(number, 0, message[at..(at + length)]);
                    at += length;
                    break;
                case 5:
                    yield return new(number, BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(at)), []);
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} at {at}.");
            }
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var one = message[at++];
            value |= (ulong)(one & 0x7f) << shift;
            if (one < 0x80)
                return value;
        }
    }

    private sealed record Field(int Number, ulong Value, byte[] Bytes)
    {
        public string Text => Encoding.UTF8.GetString(Bytes);

        public string Hex => Convert.ToHexStringLower(Bytes);
    }
}
