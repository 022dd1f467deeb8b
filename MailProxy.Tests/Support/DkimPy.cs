using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>Debian's python3-dkim as a second opinion on signatures; all mails in one process, for its start takes the time.</summary>
internal static class DkimPy
{
    // Debian's own interpreter: another one on the path does not know the package.
    private const string Python = "/usr/bin/python3";

    private const string Script = """
        import base64, sys, dkim
        record = ("v=DKIM1; k=%s; p=%s" % (sys.argv[2], sys.argv[3])).encode()
        def good(mail):
            try:
                return dkim.DKIM(mail).verify(int(sys.argv[4]), dnsfunc=lambda name, timeout=5: record)
            except dkim.ValidationError:
                return False
        with open(sys.argv[1]) as mails:
            print("".join("1" if good(base64.b64decode(mail)) else "0" for mail in mails), end="")
        """;

    /// <summary>Whether a signature of each mail is good: the topmost, or with an index one below it.</summary>
    /// <param name="keyType"><c>rsa</c> or <c>ed25519</c>.</param>
    /// <param name="publicKey">As it stands in DNS, base64.</param>
    public static async Task<IReadOnlyList<bool>> VerifyAsync(
        string keyType,
        string publicKey,
        IReadOnlyCollection<byte[]> mails,
        int index = 0
    )
    {
        using var directory = new TempDirectory();
        var file = Path.Combine(directory.Path, "mails");
        await File.WriteAllLinesAsync(file, mails.Select(Convert.ToBase64String));
        var (exitCode, output) = await Run.AsIsAsync(Python, "-c", Script, file, keyType, publicKey, $"{index}");
        Assert.That((exitCode, output.Length), Is.EqualTo((0, mails.Count)), output);
        return [.. output.Select(c => c == '1')];
    }
}
