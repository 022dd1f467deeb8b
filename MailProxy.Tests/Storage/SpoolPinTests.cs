using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture]
internal sealed class SpoolPinTests
{
    [Test]
    public async Task Delete_WhileABackupHoldsTheSpool_HappensWhenItDoesNot()
    {
        using var data = new TempDirectory();
        var spool = new SpoolFiles(Path.Combine(data, "spool"));
        var name = await spool.WriteAsync("x"u8.ToArray());
        using (await SpoolPin.HoldAsync(data, TimeProvider.System))
        {
            using var second = await SpoolPin.HoldAsync(data, TimeProvider.System); // several backups at once
            spool.Delete(name);
            Assert.That(spool.Sweep(new HashSet<string>()), Is.Zero);
            Assert.That(File.Exists(Path.Combine(data, "spool", name)), Is.True);
        }

        await Eventually.BecomesAsync(() => Task.FromResult(File.Exists(Path.Combine(data, "spool", name))), there => !there);
    }
}
