using System.Text;

namespace MailProxy.Benchmarks.Support;

/// <summary>The mail that every run sends: plain text of a given size, in lines of 72 characters.</summary>
internal static class TestMail
{
    public const string From = "shop@example.com";

    public static string Text(int bytes)
    {
        var text = new StringBuilder(bytes);
        for (var line = 0; text.Length < bytes; line++)
            text.Append($"{line:D8} The parcel that you ordered is on its way and comes tomorrow. ..\n");
        text.Length = bytes;
        return text.ToString();
    }

    /// <summary>One message as the API takes it. The id is made by the server.</summary>
    public static string Json(int n, string text, string? extra = null) =>
        $$"""{"account":"sink","from":"{{From}}","to":"reader{{n}}@example.net","subject":"Your order {{n}}","text":"{{text.Replace("\n", "\\n")}}"{{extra}}}""";

    public static byte[] Single(int n, int bytes, string? extra = null) => Encoding.ASCII.GetBytes(Json(n, Text(bytes), extra));

    /// <summary>Short messages, each with further members of its own.</summary>
    public static byte[] Batch(IEnumerable<string> extras) =>
        Encoding.UTF8.GetBytes(
            $$"""{"messages":[{{string.Join(',', extras.Select(static (extra, n) => Json(n, "Attached.", extra)))}}]}"""
        );

    public static byte[] Batch(int messages, int bytes, string? extra = null)
    {
        var text = Text(bytes);
        return Encoding.ASCII.GetBytes(
            $$"""{"messages":[{{string.Join(',', Enumerable.Range(0, messages).Select(n => Json(n, text, extra)))}}]}"""
        );
    }
}
