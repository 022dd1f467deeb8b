using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A store that was cut or written over is refused at the start in words, and not touched.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class DamagedStoreTests
{
    [TestCase("empty")]
    [TestCase("head")]
    [TestCase("half")]
    [TestCase("garbage")]
    [TestCase("page")]
    [TestCase("middle")]
    [Category(TestDaemon.NamesFiles)]
    public async Task Start_DamagedStore_ExitsOneWithWordsAndLeavesTheFileAlone(string how)
    {
        using var directory = new TempDirectory();
        await using (var daemon = await TestDaemon.StartAsync(directory))
        {
            await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
            foreach (var batch in Enumerable.Range(0, 30))
                await daemon.PostAsync(
                    new
                    {
                        id = $"m{batch}",
                        from = "a@example.com",
                        to = "b@example.com",
                        text = new string('x', 5_000),
                    }
                );
            await daemon.StopAsync();
        }

        var path = Path.Combine(directory, "mailproxy.db");
        Damage(path, how);
        var damaged = await File.ReadAllBytesAsync(path);

        await using var again = DaemonProcess.Start(directory);
        Assert.That(await again.ExitAsync(), Is.EqualTo(1), again.Output);
        Assert.That(again.Output, Does.Contain("mailproxy: ").And.Contain("damaged").And.Contain(path));
        Assert.That(again.Output, Does.Not.Contain("   at "), "words, not a stack");
        Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(damaged));
    }

    private static void Damage(string path, string how)
    {
        var bytes = File.ReadAllBytes(path);
        var noise = new byte[8192];
        new Random(7).NextBytes(noise);
        switch (how)
        {
            case "empty":
                bytes = [];
                break;
            case "head":
                bytes = bytes[..50];
                break;
            case "half":
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case "garbage":
                new Random(7).NextBytes(bytes);
                break;
            case "page":
                // The schema's page behind the file's head.
                noise.AsSpan(0, 8000).CopyTo(bytes.AsSpan(100));
                break;
            case "middle":
                // Every page but the first: whatever table is read first, it is not there.
                for (var at = 8192; at + noise.Length <= bytes.Length; at += noise.Length)
                    noise.CopyTo(bytes, at);
                break;
        }

        File.WriteAllBytes(path, bytes);
    }
}
