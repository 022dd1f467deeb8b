using System.Globalization;
using System.Text;
using static MailProxy.Tests.Fuzz.RequestWords;

namespace MailProxy.Tests.Fuzz;

/// <summary>Makes requests that are nearly right: the contract's own words in wrong places, wrong shapes, wrong bytes.</summary>
internal sealed class RequestMaker(Random random)
{
    public ThrownRequest Next()
    {
        var path = Pick(Paths);
        var method =
            path is "/v1/messages" or "/v1/messages/batch" && random.Next(10) > 0
                ? "POST"
                : Pick(["GET", "GET", "POST", "POST", "PUT", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]);
        if (random.Next(method == "GET" ? 2 : 10) == 0)
            path +=
                "?"
                + string.Join('&', Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{Pick(Queries)}={Uri.EscapeDataString(Text())}"));
        var bodiless = method is "GET" or "HEAD" or "OPTIONS" or "DELETE";
        return new(method, path, bodiless ? null : Pick(Types), bodiless ? null : Pick(Encodings), bodiless ? null : Body(path));
    }

    private byte[] Body(string path)
    {
        var text = new StringBuilder();
        switch (random.Next(8))
        {
            case 0:
                Value(text, 0);
                break;
            case 1 when path.Contains("batch", StringComparison.Ordinal):
                text.Append("{\"messages\":[")
                    .AppendJoin(',', Enumerable.Range(0, random.Next(5)).Select(_ => Nearly()))
                    .Append("],\"defaults\":");
                Value(text, 1);
                text.Append('}');
                break;
            case 2:
                text.AppendJoin('\n', Enumerable.Range(0, random.Next(6)).Select(_ => Nearly()));
                break;
            case 3:
                var depth = random.Next(1, 3_000);
                text.Append('[', depth).Append(']', random.Next(2) * depth);
                break;
            default:
                text.Append(Nearly());
                break;
        }

        var bytes = random.Next(20) switch
        {
            0 => Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(text.ToString())).ToArray(),
            1 => Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(text.ToString())).ToArray(),
            2 => Encoding.Latin1.GetBytes(text.ToString()),
            3 => Encoding.UTF32.GetBytes(text.ToString()),
            _ => Encoding.UTF8.GetBytes(text.ToString()),
        };
        return random.Next(4) == 0 ? Damage(bytes) : bytes;
    }

    /// <summary>A message with a member or two that are not as they should be.</summary>
    private string Nearly()
    {
        var members = new List<(string Name, string Json)>
        {
            ("from", "\"a@example.com\""),
            ("to", "\"b@example.com\""),
            ("text", "\"x\""),
        };
        for (var wrong = random.Next(3); wrong > 0; wrong--)
        {
            var value = new StringBuilder();
            Value(value, 1);
            var name = Pick(Members);
            if (random.Next(4) > 0)
                members.RemoveAll(m => m.Name == name); // now and then a name comes twice
            members.Add((name, random.Next(3) == 0 ? Headers() : value.ToString()));
        }

        return "{" + string.Join(',', members.Select(m => $"{Quote(m.Name)}:{m.Json}")) + "}";
    }

    private string Headers() => $"{{{Quote(random.Next(2) == 0 ? "X-Mine" : Text())}:{Quote(Text())}}}";

    private void Value(StringBuilder json, int depth)
    {
        switch (random.Next(depth > 4 ? 5 : 9))
        {
            case 0:
                json.Append(Pick(Numbers));
                break;
            case 1:
                json.Append(Pick(["true", "false", "null"]));
                break;
            case <= 4:
                json.Append(Quote(Text()));
                break;
            case <= 6:
                json.Append('[');
                for (var left = random.Next(5); left > 0; left--)
                {
                    Value(json, depth + 1);
                    if (left > 1)
                        json.Append(',');
                }

                json.Append(']');
                break;
            default:
                json.Append('{');
                for (var left = random.Next(5); left > 0; left--)
                {
                    json.Append(Quote(Pick(Members))).Append(':');
                    Value(json, depth + 1);
                    if (left > 1)
                        json.Append(',');
                }

                json.Append('}');
                break;
        }
    }

    private string Text() =>
        random.Next(12) switch
        {
            0 => new string(Pick(["a", "ü", " ", "\"", "\n"])[0], random.Next(1, 5_000)),
            1 => string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => (char)random.Next(1, 0xD7FF))),
            2 => Pick(Texts) + Pick(Texts),
            _ => Pick(Texts),
        };

    private byte[] Damage(byte[] bytes)
    {
        for (var times = random.Next(1, 4); times > 0 && bytes.Length > 0; times--)
        {
            var at = random.Next(bytes.Length);
            bytes = random.Next(4) switch
            {
                0 => bytes[..at],
                1 => [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]],
                2 => [.. bytes, .. bytes[at..]],
                _ => [.. bytes[..at], (byte)(bytes[at] ^ (1 << random.Next(8))), .. bytes[(at + 1)..]],
            };
        }

        return bytes;
    }

    // By hand, since a serializer would not write what is wrong.
    private string Quote(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\' && text is not "\\ud800")
                json.Append('\\').Append(c);
            else if (c < ' ' && random.Next(20) > 0)
                json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                json.Append(c);
        }

        return json.Append('"').ToString();
    }

    private T Pick<T>(IReadOnlyList<T> list) => list[random.Next(list.Count)];
}
