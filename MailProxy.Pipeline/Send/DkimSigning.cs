using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MimeKit;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.OpenSsl;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Puts a DKIM-Signature (RFC 6376, RFC 8463) on top of a rendered mail, over the very octets that go out: nobody parses them. The
/// signature's time is that of the mail, so it too is the same in every attempt.
/// </summary>
internal static class DkimSigning
{
    private const int LongestLine = 76;

    private static readonly string[] Signed =
    [
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
    ];

    // A changed account brings a new DkimKey; the parsed form of the old one goes with it.
    private static readonly ConditionalWeakTable<DkimKey, AsymmetricKeyParameter> Parsed = [];

    /// <summary>The mail with the signatures in front that are for the domain of its From; takes over the one without.</summary>
    public static RenderedMail Sign(RenderedMail mail, SigningKeys all, long at)
    {
        var keys = all.For(all.Made.Count > 0 ? FromDomain(mail.Bytes.Span[..mail.HeaderLength]) : null);
        if (keys.Count == 0)
            return mail;
        var bodyHash = Convert.ToBase64String(BodyHash(mail));
        foreach (var key in keys)
            mail = Sign(mail, key, bodyHash, at);
        return mail;
    }

    // As any reader of the mail takes it: the first mailbox of the field that is there once.
    private static string? FromDomain(ReadOnlySpan<byte> header)
    {
        foreach (var field in DkimRelaxed.Fields(header))
        {
            if (!DkimRelaxed.Is(header[field], "from"))
                continue;
            var value = header[field][(header[field].IndexOf((byte)':') + 1)..].ToArray();
            return InternetAddressList.TryParse(value, out var list) && list.Mailboxes.FirstOrDefault() is { } from
                ? DomainNames.ToAscii(from.Domain)
                : null;
        }

        return null;
    }

    // Several stand side by side (RFC 8463 section 3): none covers another.
    private static RenderedMail Sign(RenderedMail mail, DkimKey key, string bodyHash, long at)
    {
        using var unsigned = mail;
        var privateKey = Parsed.GetValue(key, Parse);
        var header = mail.Bytes.Span[..mail.HeaderLength];
        using var covered = new PooledBytes(mail.HeaderLength + 1024);
        var names = Cover(header, covered);

        var field = new Tags();
        field.Add("v=1;");
        field.Add(privateKey is Ed25519PrivateKeyParameters ? "a=ed25519-sha256;" : "a=rsa-sha256;");
        field.Add($"d={key.SigningDomain};");
        field.Add($"s={key.SigningSelector};");
        field.Add("c=relaxed/relaxed;");
        field.Add($"t={at / 1000};");
        field.AddList("h=", names);
        field.Add($"bh={bodyHash};");
        field.Add("b=");
        DkimRelaxed.Header(Encoding.ASCII.GetBytes(field.ToString()), covered);
        field.AddLong(Convert.ToBase64String(Signature(covered.Written, privateKey)));

        var signed = new PooledBytes(mail.BufferLength + 1024);
        signed.Write(Encoding.ASCII.GetBytes($"{field}\r\n"));
        var before = (int)signed.Length;
        signed.Write(mail.Bytes.Span);
        signed.Files.AddRange(mail.Files.Select(file => file with { At = before + file.At }));
        return RenderedMail.Of(signed, mail.EightBit, mail.NeedsSmtpUtf8);
    }

    // Fields of one name are taken from the bottom upwards (RFC 6376 5.4.2). From is named once more than it is there, so that
    // nobody can put another on top of a signed mail.
    private static List<string> Cover(ReadOnlySpan<byte> header, PooledBytes into)
    {
        var fields = DkimRelaxed.Fields(header);
        var names = new List<string>();
        foreach (var name in Signed)
        {
            for (var i = fields.Count - 1; i >= 0; i--)
            {
                if (!DkimRelaxed.Is(header[fields[i]], name))
                    continue;
                DkimRelaxed.Header(header[fields[i]], into);
                into.Write("\r\n"u8);
                names.Add(name);
            }
        }

        names.Insert(0, "from");
        return names;
    }

    private static byte[] BodyHash(RenderedMail mail)
    {
        using var octets = new RenderedStream(mail);
        octets.Position = mail.HeaderLength + 2;
        return DkimRelaxed.BodyHash(octets);
    }

    private static byte[] Signature(ReadOnlySpan<byte> covered, AsymmetricKeyParameter privateKey)
    {
        ISigner signer = privateKey is Ed25519PrivateKeyParameters ? new Ed25519Signer() : new RsaDigestSigner(new Sha256Digest());
        signer.Init(forSigning: true, privateKey);
        if (signer is Ed25519Signer)
            signer.BlockUpdate(SHA256.HashData(covered));
        else
            signer.BlockUpdate(covered);
        return signer.GenerateSignature();
    }

    private static AsymmetricKeyParameter Parse(DkimKey key)
    {
        try
        {
            using var reader = new PemReader(new StringReader(key.PrivateKey));
            var parsed = reader.ReadObject() switch
            {
                AsymmetricCipherKeyPair pair => pair.Private,
                AsymmetricKeyParameter { IsPrivate: true } single => single,
                _ => null,
            };
            return parsed is RsaKeyParameters or Ed25519PrivateKeyParameters
                ? parsed
                : throw new DkimKeyException("The DKIM key is no RSA or Ed25519 private key in PEM.");
        }
        catch (Exception error) when (error is IOException or CryptoException or FormatException or ArgumentException)
        {
            throw new DkimKeyException("The DKIM key cannot be read.", error);
        }
    }

    /// <summary>The signature's own field, folded between its tags.</summary>
    private sealed class Tags
    {
        private readonly StringBuilder _text = new("DKIM-Signature:");
        private int _line = "DKIM-Signature:".Length;

        public void Add(string tag)
        {
            Fold(tag.Length + 1, " ");
            Append(tag);
        }

        public void AddList(string tag, List<string> names)
        {
            for (var i = 0; i < names.Count; i++)
            {
                var item = (i == 0 ? tag : "") + names[i] + (i == names.Count - 1 ? ";" : ":");
                Fold(item.Length + 1, i == 0 ? " " : "");
                Append(item);
            }
        }

        /// <summary>May be folded anywhere.</summary>
        public void AddLong(string text)
        {
            for (var rest = text.AsSpan(); !rest.IsEmpty; )
            {
                if (_line >= LongestLine)
                    Fold(LongestLine, "");
                var part = rest[..Math.Min(LongestLine - _line, rest.Length)];
                Append(part);
                rest = rest[part.Length..];
            }
        }

        public override string ToString() => _text.ToString();

        private void Fold(int length, string otherwise)
        {
            if (_line + length <= LongestLine)
            {
                _line += otherwise.Length;
                _text.Append(otherwise);
                return;
            }

            _text.Append("\r\n\t");
            _line = 1;
        }

        private void Append(ReadOnlySpan<char> text)
        {
            _text.Append(text);
            _line += text.Length;
        }
    }
}
