using System.Runtime.CompilerServices;
using MailProxy.Pipeline.Accounts;
using MimeKit;
using MimeKit.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.OpenSsl;

namespace MailProxy.Pipeline.Send;

/// <summary>Puts a DKIM-Signature (RFC 6376, RFC 8463) on top of a rendered mail. The signature's time is that of the mail, so it too is the same in every attempt.</summary>
internal static class DkimSigning
{
    private static readonly string[] Signed =
    [
        "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version", "content-type",
        "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post",
    ];

    // A changed account brings a new DkimKey; the parsed form of the old one goes with it.
    private static readonly ConditionalWeakTable<DkimKey, AsymmetricKeyParameter> Parsed = [];

    /// <summary>The mail with the signature in front; takes over the one without.</summary>
    public static RenderedMail Sign(RenderedMail mail, DkimKey key, long at)
    {
        using var unsigned = mail;
        var privateKey = Parsed.GetValue(key, Parse);
        var algorithm = privateKey is Ed25519PrivateKeyParameters ? DkimSignatureAlgorithm.Ed25519Sha256 : DkimSignatureAlgorithm.RsaSha256;
        var signer = new TimedSigner(privateKey, key, algorithm, at / 1000)
        {
            HeaderCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
            BodyCanonicalizationAlgorithm = DkimCanonicalizationAlgorithm.Relaxed,
        };

        using var octets = new RenderedStream(mail);
        using var message = MimeMessage.Load(ParserOptions.Default, octets, persistent: true);
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        signer.Sign(format, message, Signed);

        var signature = message.Headers[0];
        var signed = new PooledBytes(mail.BufferLength + 1024);
        signed.Write(signature.RawField);
        signed.Write(":"u8);
        foreach (var octet in signature.RawValue)
        {
            if (octet == '\n') signed.WriteByte((byte)'\r');
            if (octet != '\r') signed.WriteByte(octet);
        }

        var before = (int)signed.Length;
        signed.Write(mail.Bytes.Span);
        signed.Files.AddRange(mail.Files.Select(file => file with { At = before + file.At }));
        return RenderedMail.Of(signed, mail.EightBit, mail.NeedsSmtpUtf8);
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
            return parsed is RsaKeyParameters or Ed25519PrivateKeyParameters ? parsed : throw new DkimKeyException("The DKIM key is no RSA or Ed25519 private key in PEM.");
        }
        catch (Exception bad) when (bad is IOException or CryptoException or FormatException or ArgumentException)
        {
            throw new DkimKeyException("The DKIM key cannot be read.", bad);
        }
    }

    private sealed class TimedSigner(AsymmetricKeyParameter privateKey, DkimKey key, DkimSignatureAlgorithm algorithm, long seconds)
        : DkimSigner(privateKey, key.Domain, key.Selector, algorithm)
    {
        protected override long GetTimestamp() => seconds;
    }
}
