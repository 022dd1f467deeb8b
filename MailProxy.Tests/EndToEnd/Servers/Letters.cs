using System.Text;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>A mail of the conversation, as its client writes it.</summary>
/// <param name="Raw">The whole message, with CRLF.</param>
internal sealed record Letter(string Id, string Sender, string[] Recipients, string Raw);

/// <summary>What is sent over one connection, one after the other: what is taken, refused and large takes turns.</summary>
internal static class Letters
{
    private const string Ann = "ann@x.test",
        Refused = "refused@x.test";

    private static readonly (string Name, string Sender, string[] Recipients, string Body)[] All =
    [
        ("plain", Ann, ["bob@y.test"], "Hello\r\n"),
        ("several", Ann, ["bob@y.test", "carol@y.test", "dave@z.test"], "To all of you\r\n"),
        ("one-refused", Ann, ["bob@y.test", "refused@y.test", "dave@z.test"], "To most of you\r\n"),
        ("nobody", Ann, ["refused@y.test"], "To nobody\r\n"),
        ("after-nobody", Ann, ["carol@y.test"], "To somebody\r\n"),
        ("sender", Refused, ["bob@y.test"], "From nobody\r\n"),
        ("sender-to-several", Refused, ["bob@y.test", "refused@y.test"], "From nobody\r\n"),
        ("dots", Ann, ["bob@y.test"], ".\r\n..\r\n...more\r\n\r\n.\r\n"),
        ("large", Ann, ["bob@y.test", "carol@y.test"], string.Concat(Enumerable.Range(0, 40_000).Select(n => $"{n:D6} {Filling}\r\n"))),
        ("empty", Ann, ["bob@y.test"], ""),
        ("commands", Ann, ["bob@y.test"], ".\r\nMAIL FROM:<e@x.test>\r\nRCPT TO:<e@y.test>\r\nDATA\r\n.\r\nBDAT 3 LAST\r\nQUIT\r\n"),
        ("nobody-twice", Ann, ["refused@y.test", "refused@z.test"], "To nobody\r\n"),
        ("eight-bit", Ann, ["bob@y.test"], "Grüße 注文\r\n" + new string('x', 990) + "\r\n"),
        ("last", Ann, ["dave@z.test"], "Bye\r\n"),
    ];

    private static string Filling => new('z', 70);

    /// <param name="series">Makes their ids and addresses none of another test's.</param>
    public static IReadOnlyList<Letter> Of(string series) =>
        [
            .. All.Select(letter => new Letter(
                $"{series}-{letter.Name}",
                letter.Sender,
                letter.Recipients,
                $"From: {Ann}\r\nTo: list@y.test\r\nSubject: {letter.Name}\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
                    + $"Message-ID: <{series}-{letter.Name}@x.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    + $"Content-Transfer-Encoding: 8bit\r\n\r\n{letter.Body}"
            )),
        ];

    public static byte[] Octets(Letter letter) => Encoding.UTF8.GetBytes(letter.Raw);
}
