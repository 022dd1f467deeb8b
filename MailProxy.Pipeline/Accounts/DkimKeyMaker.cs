using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Pkcs;
using Org.BouncyCastle.Security;

namespace MailProxy.Pipeline.Accounts;

/// <summary>Makes DKIM keys. RSA takes a processor for some tenths of a second.</summary>
public static class DkimKeyMaker
{
    // RFC 8301 section 3.2; a longer one does not fit into one answer of DNS over UDP.
    private const int Bits = 2_048;

    /// <summary>A key that signs nothing until it is made active.</summary>
    public static ManagedDkimKey Make(string domain, string selector, DkimAlgorithm algorithm, long now)
    {
        var (pem, publicKey) = algorithm == DkimAlgorithm.Rsa ? Rsa() : Ed25519();
        return new(new(domain, selector, pem), algorithm, publicKey, now, DkimState.Pending);
    }

    private static (string Pem, string PublicKey) Rsa()
    {
        using var rsa = RSA.Create(Bits);
        return (rsa.ExportPkcs8PrivateKeyPem(), Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()));
    }

    private static (string Pem, string PublicKey) Ed25519()
    {
        var key = new Ed25519PrivateKeyParameters(new SecureRandom());
        var info = PrivateKeyInfoFactory.CreatePrivateKeyInfo(key).GetDerEncoded();
        return (PemEncoding.WriteString("PRIVATE KEY", info), Convert.ToBase64String(key.GeneratePublicKey().GetEncoded()));
    }
}
