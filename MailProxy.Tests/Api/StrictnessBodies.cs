using System.Text.Json.Nodes;

namespace MailProxy.Tests.Api;

/// <summary>Values for members of requests, as long and as many as is asked for, and bodies that have them.</summary>
internal static class StrictnessBodies
{
    /// <summary>Stands for a member that is not there.</summary>
    public static readonly JsonNode Absent = new JsonObject { ["absent"] = true };

    /// <summary>The body with this value at a place; objects on the way are made.</summary>
    public static JsonNode With(JsonNode body, string at, JsonNode? value)
    {
        var copy = body.DeepClone();
        var steps = at.Split('/')[1..];
        var node = copy;
        foreach (var step in steps[..^1])
            node = Step(node, step);
        if (node is JsonArray list)
            list[int.Parse(steps[^1])] = value?.DeepClone();
        else if (ReferenceEquals(value, Absent))
            node.AsObject().Remove(steps[^1]);
        else
            node.AsObject()[steps[^1]] = value?.DeepClone();
        return copy;
    }

    /// <summary>The body with an object at a place, the one that is there or an empty one.</summary>
    public static JsonNode Open(JsonNode body, string at)
    {
        var node = body;
        foreach (var step in at.Split('/')[1..])
            node = node is JsonArray list ? list[int.Parse(step)] : node?[step];
        return node is JsonObject ? body : With(body, at, new JsonObject());
    }

    /// <summary>The body beside which a member means something.</summary>
    public static JsonNode For(string operation, string at, JsonNode body)
    {
        var copy = body.DeepClone();
        switch (operation, at)
        {
            case ("putVolume", "/config/root"):
                (copy["backend"], copy["config"]) = ("local", new JsonObject());
                break;
            case ("putVolume", "/config/base_url" or "/config/auth"):
                (copy["backend"], copy["config"]) = ("http", new JsonObject());
                break;
            case ("putVolume", _)
                when at.StartsWith("/config/", StringComparison.Ordinal) && !at.StartsWith("/config/auth/", StringComparison.Ordinal):
                (copy["backend"], copy["config"]) = ("s3", new JsonObject());
                break;
            case ("actOnMessages", "/token"):
                return new JsonObject();
            case ("actOnMessages", "/account" or "/pool"):
                copy["action"] = "reroute";
                break;
            case ("actOnMessages", "/send_at" or "/expires_at"):
                copy["action"] = "reschedule";
                break;
            case ("putSuppression", "/domain"):
                copy.AsObject().Remove("address");
                break;
            case ("putAccount", _) when at.StartsWith("/auth/oauth2", StringComparison.Ordinal):
                copy["auth"]!.AsObject().Remove("password");
                break;
            case ("submitMessage" or "rerouteMessages", "/pool"):
                copy.AsObject().Remove("account");
                break;
            case ("rerouteMessage", "/account"):
                copy.AsObject().Remove("pool");
                break;
            case ("submitMessage", _) when at.EndsWith("/name", StringComparison.Ordinal):
                copy = With(copy, at[..^5], new JsonObject { ["email"] = "a@x.example" });
                break;
            case ("submitMessage", "/attachments/0/storage_path" or "/attachments/0/fetch_mode"):
                copy = With(copy, "/attachments/0", new JsonObject { ["filename"] = "f", ["storage_path"] = "http://127.0.0.1/f" });
                break;
            case ("submitMessage", _) when at.StartsWith("/attachments/0/", StringComparison.Ordinal) && at != "/attachments/0/content":
                if (copy["attachments"]![0]!["source"] is null)
                    copy = With(copy, "/attachments/0", new JsonObject { ["filename"] = "f", ["source"] = "http://127.0.0.1/f" });
                break;
            case ("submitBatch", _) when at.StartsWith("/defaults", StringComparison.Ordinal):
                copy["messages"] = new JsonArray(new JsonObject());
                (copy["defaults"]!["to"], copy["defaults"]!["text"]) = ("a@x.example", "t");
                if (at == "/defaults/pool")
                    copy["defaults"]!.AsObject().Remove("account");
                break;
        }

        return copy;
    }

    /// <summary>A text of this length that the member takes, whatever its length.</summary>
    public static string Text(string operation, string at, int length)
    {
        var name = at.Split('/').Last(static step => !int.TryParse(step, out _));
        return name switch
        {
            _ when length <= 0 => "",
            "from" or "to" or "cc" or "bcc" or "reply_to" or "address" => Padded("a@x.example", length),
            "email" => "a@x.example",
            "url" or "base_url" or "endpoint" or "token_url" or "public_url" or "source" => Lengthened("http://127.0.0.1/", length),
            "host" or "domain" or "selector" => Labels(length),
            "content_type" => Lengthened("text/", length),
            "root" => Lengthened("/", length),
            _ => new string('a', length),
        };
    }

    /// <summary>One of several items of a list, each another.</summary>
    public static JsonNode Item(string operation, string at, int index) =>
        at switch
        {
            "/from" or "/to" or "/cc" or "/bcc" or "/reply_to" => $"a{index}@x.example",
            "/attachments" => new JsonObject { ["filename"] = $"f{index}", ["content"] = "" },
            "/alternatives" => new JsonObject { ["content_type"] = "text/calendar", ["content"] = $"{index}" },
            "/messages" => new JsonObject { ["to"] = "a@x.example", ["text"] = $"{index}" },
            "/from_allowed" => $"a{index}@x.example",
            "/allowed_networks" => $"10.0.{index}.0/24",
            "/scopes" => (string[])["send", "read", "manage", "send"] is var words ? words[index] : "",
            "/types" => Pipeline.Mail.EventNames.All is var types ? types[index % types.Count].Name : "",
            "/retry_minutes" or "/limits/warm_up/daily" => index + 1,
            _ => $"a{index}",
        };

    /// <summary>So many limits of destinations.</summary>
    public static JsonObject Map(int count)
    {
        var map = new JsonObject();
        for (var i = 0; i < count; i++)
            map[$"d{i}.example"] = new JsonObject { ["per_hour"] = 1 };
        return map;
    }

    private static JsonNode Step(JsonNode node, string step)
    {
        if (node is JsonArray list)
            return list[int.Parse(step)]!;
        if (node[step] is { } there and (JsonObject or JsonArray))
            return there;
        var made = new JsonObject();
        node[step] = made;
        return made;
    }

    private static string Lengthened(string begin, int length) => length <= begin.Length ? begin[..length] : begin.PadRight(length, 'a');

    private static string Padded(string text, int length) => length < text.Length ? "" : text.PadRight(length);

    private static string Labels(int length)
    {
        var text = string.Concat(Enumerable.Repeat(new string('a', 60) + ".", (length / 61) + 1))[..length].ToCharArray();
        if (text[^1] == '.')
            text[^1] = 'a';
        return new(text);
    }
}
