using System.Security.Cryptography;
using System.Text;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Makes secrets, and looks for each of them in what was printed, in every answer and in every file.</summary>
internal sealed class SecretSearch
{
    // Not a secret: the search must find this one, or it finds nothing.
    public const string Marker = "plain-to-be-found";

    private readonly List<(string What, byte[] Bytes, bool InFiles)> _secrets = [];

    private readonly StringBuilder _answers = new();

    /// <summary>What the daemon answered.</summary>
    public void Answered(string text) => _answers.AppendLine(text);

    public string Text(string what, bool inFiles = false)
    {
        var text = "sEcReT" + RandomNumberGenerator.GetHexString(24);
        _secrets.Add((what, Encoding.UTF8.GetBytes(text), inFiles));
        _secrets.Add((what + " as base64", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(text))[..^4]), inFiles));
        return text;
    }

    public string Password(string what)
    {
        var text = Text(what + " password");
        Keep(what + " password of Basic", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes("u:" + text))));
        Keep(what + " password of AUTH PLAIN", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes("\0u\0" + text))));
        return text;
    }

    public string WebhookSecret()
    {
        var secret = "whsec_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        KeepWebhook(secret);
        return secret;
    }

    public void KeepWebhook(string secret) =>
        Keep("webhook secret", Encoding.UTF8.GetBytes(secret["whsec_".Length..]), Convert.FromBase64String(secret["whsec_".Length..]));

    public void Keep(string what, params byte[][] forms)
    {
        foreach (var form in forms)
            _secrets.Add((what, form, false));
    }

    public void AssertNowhere(string directory, string printed)
    {
        var (output, answers) = (Encoding.UTF8.GetBytes(printed), Encoding.UTF8.GetBytes(_answers.ToString()));
        var files = Directory
            .GetFiles(directory, "*", SearchOption.AllDirectories)
            .Where(path => new FileInfo(path).Length > 0)
            .Select(path => (Path: path, Bytes: Read(path)))
            .ToArray();
        Assert.That(files.Select(f => Path.GetFileName(f.Path)), Does.Contain("mailproxy.db"));
        Assert.That(
            files.Any(f => f.Bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Marker)) >= 0)
                && answers.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Marker)) >= 0,
            "the search finds what is there"
        );
        using (Assert.EnterMultipleScope())
        {
            foreach (var (what, bytes, inFiles) in _secrets)
            {
                Assert.That(output.AsSpan().IndexOf(bytes), Is.Negative, $"The {what} was printed.");
                // A webhook's address is no secret to those who may read it.
                if (!what.StartsWith("query of a webhook", StringComparison.Ordinal))
                    Assert.That(answers.AsSpan().IndexOf(bytes), Is.Negative, $"The {what} was answered.");
                if (!inFiles)
                    Assert.That(
                        files.Where(f => f.Bytes.AsSpan().IndexOf(bytes) >= 0).Select(f => f.Path),
                        Is.Empty,
                        $"The {what} is in a file."
                    );
            }
        }
    }

    // The daemon has them open.
    private static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }
}
