using CsCheck;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Send;

/// <summary>Mails of whatever people and programs write into them.</summary>
internal static class ComposeGen
{
    private static readonly string[] Odd =
    [
        " ",
        "  ",
        "a",
        "Word",
        "ä",
        "ß",
        "Ж",
        "日本",
        "שלום",
        "مرحبا",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "😀",
        "e\u0301",
        "\u0301",
        "\u00A0",
        "\u200D",
        "\u202E",
        "\u2028",
        "\uFEFF",
        "\uFFFD",
        "\u0378",
        "\U0010FFFF",
        "=?utf-8?q?x?=",
        "=?",
        "?=",
        "=",
        "_",
        "?",
        "\"",
        "\\",
        "(",
        ")",
        "<",
        ">",
        "@",
        ",",
        ";",
        ":",
        ".",
        "'",
        "%",
        "{\"k\": \"v\"}",
        "https://x.example/?a=?b",
        "Re: ",
        "--",
        "=_",
    ];

    private static readonly string[] Lines =
    [
        "\r\n",
        "\n",
        "\r",
        "\r\r\n",
        "\t",
        " \n",
        "From x\n",
        ".\r\n",
        "..\n",
        "\0",
        "\u0085",
        "\u2028",
        "-- \n",
        ">From\n",
        "--=_1\n",
        "\f",
        "\u001b[0m",
    ];

    private static readonly Gen<string> Piece = Gen.Frequency(
        (12, Gen.OneOf(Odd)),
        (3, Gen.String[Gen.Char[' ', '~'], 1, 12]),
        (
            2,
            Gen.Int[0x80, 0x10FFFF]
                .Where(static c => System.Text.Rune.IsValid(c) && !System.Text.Rune.IsControl(new(c)))
                .Select(static c => new System.Text.Rune(c).ToString())
        ),
        (
            1,
            Gen.Select(Gen.OneOf("x", "ä", "日", "😀", "\"", " "), Gen.Int[60, 400])
                .Select(static (unit, count) => string.Concat(Enumerable.Repeat(unit, count)))
        )
    );

    /// <summary>What a header may say.</summary>
    public static readonly Gen<string> Text = Piece.List[0, 14].Select(static pieces => string.Concat(pieces));

    private static readonly Gen<string> Body = Gen.Frequency(
            (3, Piece),
            (2, Gen.OneOf(Lines)),
            (1, Gen.Int[900, 11_000].Select(static n => new string('l', n)))
        )
        .List[0, 12]
        .Select(static pieces => string.Concat(pieces));

    private static readonly Gen<string> Name = Text.Where(static name => name.Length is > 0 and <= 998 && !string.IsNullOrWhiteSpace(name));

    private static readonly Gen<AddressDraft> Address = Gen.Select(
            Gen.Frequency(
                (6, Gen.String[Gen.Char['a', 'z'], 1, 20]),
                (1, Gen.OneOf("\"a b\"", "\"a@b,c\"", "o'neil+tag", "a.b-c_d", new string('l', 64))),
                (1, Gen.OneOf("пётр", "jörg", "用户"))
            ),
            Gen.OneOf(
                "x.example",
                "münchen.example",
                "mu\u0308nchen.example",
                "xn--mnchen-3ya.example",
                "[127.0.0.1]",
                "[IPv6:::1]",
                "ｅｘ.example",
                new string('d', 60) + ".example"
            ),
            Gen.Frequency((1, Gen.Const("")), (3, Name))
        )
        .Select(static (local, domain, name) => new AddressDraft(null, $"{local}@{domain}", name));

    private static readonly Gen<AttachmentDraft> File = Gen.Select(
            Text.Where(static name => name.Length is > 0 and <= 255 && name.AsSpan().IndexOfAny(FileNames.Turning) < 0),
            Gen.OneOf(
                "application/pdf",
                "text/plain; charset=iso-8859-1; format=flowed",
                "text/calendar; method=REQUEST; charset=utf-8",
                "image/png",
                "application/x; a=\"b\\\"c d\"",
                "message/rfc822",
                "message/delivery-status"
            ),
            Gen.OneOf(Gen.Byte.Array[0, 300], Body.Select(static text => System.Text.Encoding.UTF8.GetBytes("Subject: x\n\n" + text))),
            Gen.OneOf("", "logo", "a@b", "x,y:z")
        )
        .Select(
            static (name, type, content, id) =>
                new AttachmentDraft
                {
                    Filename = name,
                    ContentType = type,
                    Content = Convert.ToBase64String(content),
                    InlineId = id.Length > 0 ? id : null,
                }
        );

    private static readonly Gen<AlternativeDraft> Other = Gen.Select(
            Gen.OneOf(
                "text/calendar; method=REQUEST",
                "text/calendar; charset=UTF-8; method=CANCEL",
                "text/x-amp-html",
                "text/markdown; variant=GFM",
                "application/json"
            ),
            Body
        )
        .Select(static (type, content) => new AlternativeDraft { ContentType = type, Content = content });

    public static readonly Gen<MailDraft> Mail = Gen.Select(
            Address,
            Address.List[1, 5],
            Text,
            Gen.Dictionary(Gen.String[Gen.Char['a', 'z'], 1, 30].Select(static name => "X-" + name), Text)[0, 3]
                .Where(static headers => headers.All(h => HeaderFields.Fault(h.Key, h.Value) is null)),
            Gen.Select(Body, Body, Gen.Bool),
            Gen.Select(File.List[0, 3], Other.List[0, 2])
        )
        .Select(
            static (from, to, subject, headers, bodies, parts) =>
                new MailDraft
                {
                    From = new([from], Single: true),
                    To = new(to, Single: false),
                    Subject = subject,
                    Headers = headers,
                    Text = bodies.Item1,
                    Html = bodies.Item3 ? bodies.Item2 : null,
                    Attachments = [.. parts.Item1.DistinctBy(file => file.InlineId ?? file.Filename)],
                    Alternatives = parts.Item2,
                }
        );
}
