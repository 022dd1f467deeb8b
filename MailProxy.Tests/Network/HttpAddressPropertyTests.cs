using CsCheck;
using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

public sealed class HttpAddressPropertyTests
{
    private static readonly Gen<string> Piece = Gen.OneOf(
        Gen.OneOf(
            "http://",
            "https://",
            "a",
            "example",
            ".",
            "..",
            ":",
            "@",
            "/",
            "?",
            "#",
            "%",
            "%25",
            "[",
            "]",
            "::1",
            "xn--",
            "-",
            "_",
            "\u202e",
            "\u0378",
            "ü",
            "\ud83d",
            "\ude00",
            "127.0.0.1",
            ":0",
            ":99999",
            "\\",
            " ",
            "\0"
        ),
        Gen.String[Gen.Char, 0, 4],
        Gen.Int[1, 80].Select(count => new string('ü', count)),
        Gen.Int[1, 300].Select(count => new string('a', count))
    );

    private static readonly Gen<string> Text = Gen.Select(
        Gen.OneOf("http://", "https://", ""),
        Piece.Array[0, 12],
        static (scheme, pieces) => scheme + string.Concat(pieces)
    );

    [Test]
    public void Read_Anything_IsTakenAndCanBeAsked_OrIsTold() =>
        Text.Sample(
            static text =>
            {
                var (address, fault) = HttpAddress.Read(text);
                if (address is null)
                    return fault is { Length: > 0 };
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                var idn = request.RequestUri!.IdnHost;
                return fault is null
                    && idn.Length is > 0 and <= 255
                    && address is { UserInfo: "", Port: > 0 }
                    && request.RequestUri.PathAndQuery.Length > 0
                    && new DnsLabels(idn, address.HostNameType).AreSound;
            },
            iter: 20_000
        );

    private readonly record struct DnsLabels(string Host, UriHostNameType Kind)
    {
        public bool AreSound =>
            Kind is UriHostNameType.IPv4 or UriHostNameType.IPv6
            || Host.TrimEnd('.').Split('.').All(static label => label.Length is > 0 and < 64);
    }
}
