using System.Text;
using System.Text.Json;

namespace MailProxy.Tests.Fuzz;

/// <summary>Makes submissions with strings of every length, escaped in every way, most of them good, some damaged.</summary>
internal sealed class LongRequestMaker(Random random)
{
    private static readonly string[] Words =
    [
        "Hello, ",
        "line\n",
        "line\r\n",
        "\r",
        "\nFrom here ",
        "grün ",
        "\U0001F600",
        "\t",
        "\"\\/",
        "--=_x",
        "\0",
        "<p>a</p>",
    ];

    public byte[] Message() => Damaged(Encoding.UTF8.GetBytes(One()));

    public byte[] Batch() =>
        Damaged(
            Encoding.UTF8.GetBytes(
                $"{Blanks()}{{{Blanks()}{Defaults()}\"messages\"{Blanks()}:["
                    + $"{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(9) == 0 ? "1" : One()))}]}}"
            )
        );

    /// <summary>Lines of NDJSON, some empty, the last with or without its end.</summary>
    public byte[] Lines()
    {
        var lines = Enumerable.Range(0, 1 + random.Next(6)).Select(_ => random.Next(7) == 0 ? Blanks() : One().ReplaceLineEndings(" "));
        return Damaged(Encoding.UTF8.GetBytes(string.Join(random.Next(3) == 0 ? "\r\n" : "\n", lines) + (random.Next(2) == 0 ? "\n" : "")));
    }

    private string Defaults() => random.Next(3) == 0 ? $"\"defaults\":{{{Member("html", Text())}}}," : "";

    private string One()
    {
        var members = new List<string> { Member("from", "ann@x.example"), Member("to", "bob@y.example") };
        if (random.Next(2) == 0)
            members.Add(Member("id", $"m-{random.Next(3)}"));
        if (random.Next(3) == 0)
        {
            members.Add(Member("raw", Base64(Raw())));
        }
        else
        {
            if (random.Next(3) > 0)
                members.Add(Member("text", Text()));
            if (random.Next(3) == 0)
                members.Add(Member("html", Text()));
            if (random.Next(3) > 0)
                members.Add($"\"attachments\"{Blanks()}:[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(Attachment))}]");
        }

        if (random.Next(8) == 0)
            members.Add(Member("text", Text()));
        if (random.Next(8) == 0)
            members.Add($"\"metadata\":{{\"text\":{Json(Text())},\"raw\":[{Json(Text())}]}}");
        return $"{Blanks()}{{{string.Join(',', members.OrderBy(_ => random.Next()))}}}{Blanks()}";
    }

    private string Attachment(int index)
    {
        var type = random.Next(4) switch
        {
            0 => "message/rfc822",
            1 => "application/pdf",
            _ => null,
        };

        // With the beginning of a boundary it would go as it is only from memory, where the boundaries can be made to differ.
        var text = Encoding.UTF8.GetBytes(Text().Replace("--=_", "--", StringComparison.Ordinal));
        var content = random.Next(3) == 0 ? text : Octets(random.Next(300));
        var md5 = random.Next(4) switch
        {
            0 => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(content)),
            1 => new string('0', 32),
            _ => null,
        };
        string?[] members =
        [
            Member("filename", $"f{index}.bin"),
            type is null ? null : Member("content_type", type),
            md5 is null ? null : Member("content_md5", md5),
            Member(random.Next(9) == 0 ? "contents" : "content", Base64(content)),
        ];
        return $"{{{string.Join(',', members.Where(static m => m is not null).OrderBy(_ => random.Next()))}}}";
    }

    private byte[] Raw()
    {
        var end = random.Next(3) == 0 ? "\n" : "\r\n";
        string[] head =
        [
            "From: ann@x.example",
            random.Next(3) == 0 ? "Bcc: secret@z.example" : "To: bob@y.example",
            random.Next(5) == 0 ? "Subject: grün" : "Subject: Hi",
            random.Next(9) == 0 ? " " : "X-Long: " + new string('x', random.Next(60)),
        ];
        return Encoding.UTF8.GetBytes(string.Join(end, head.OrderBy(_ => random.Next())) + (random.Next(9) == 0 ? "" : end + end) + Text());
    }

    private string Text()
    {
        var text = new StringBuilder();
        for (var left = random.Next(5) == 0 ? random.Next(5) : random.Next(60); left > 0; left--)
            text.Append(random.Next(4) > 0 ? "Some words of text. " : Words[random.Next(Words.Length - (random.Next(4) == 0 ? 0 : 2))]);
        return random.Next(20) == 0 ? text + new string('y', 1200) : text.ToString();
    }

    private byte[] Octets(int length)
    {
        var octets = new byte[length];
        random.NextBytes(octets);
        return octets;
    }

    private string Base64(byte[] octets)
    {
        var text = Convert.ToBase64String(octets);
        return random.Next(15) switch
        {
            0 when text.Length > 0 => text.Remove(random.Next(text.Length), 1),
            1 => text.Insert(random.Next(text.Length + 1), "\r\n"),
            2 => text.Insert(random.Next(text.Length + 1), "="),
            3 => text.Insert(random.Next(text.Length + 1), "ü"),
            4 or 5 => WithUnusedBits(text),
            _ => text,
        };
    }

    // Bits behind the last octet that an encoder leaves zero, and a decoder does not look at (RFC 4648 section 3.5).
    private static string WithUnusedBits(string text) =>
        text.EndsWith("==", StringComparison.Ordinal) ? text[..^3] + Next(text[^3]) + "=="
        : text.EndsWith('=') ? text[..^2] + Next(text[^2]) + "="
        : text;

    // Its lowest bits are zero, so the next letter differs in one of those.
    private static char Next(char last)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        return Alphabet[Alphabet.IndexOf(last, StringComparison.Ordinal) + 1];
    }

    private string Member(string name, string value) => $"{Blanks()}\"{name}\"{Blanks()}:{Blanks()}{Json(value)}";

    // The same text, written in one of the many ways that JSON has.
    private string Json(string text)
    {
        if (random.Next(3) == 0)
            return JsonSerializer.Serialize(text);
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\' or '/' && random.Next(2) == 0 || c is '"' or '\\')
                json.Append('\\').Append(c);
            else if (c < ' ' || random.Next(30) == 0 || (char.IsSurrogate(c) && random.Next(40) == 0))
                json.Append("\\u")
                    .Append(((int)c).ToString(random.Next(2) == 0 ? "X4" : "x4", System.Globalization.CultureInfo.InvariantCulture));
            else
                json.Append(c);
        }

        return json.Append('"').ToString();
    }

    private string Blanks() => random.Next(8) == 0 ? " \n\t"[..random.Next(4)] : "";

    private byte[] Damaged(byte[] json)
    {
        var bytes = json.ToList();
        if (random.Next(10) == 0)
            bytes.InsertRange(0, "\uFEFF"u8.ToArray());
        for (var times = random.Next(3) == 0 ? random.Next(3) : 0; times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(20)));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.InsertRange(
                        at,
                        Encoding.UTF8.GetBytes(((string[])["\\ud83d", "\\u12", "\\x", "\n", "\"", "\\", "{", "]"])[random.Next(8)])
                    );
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(40))));
                    break;
            }
        }

        return [.. bytes];
    }
}
