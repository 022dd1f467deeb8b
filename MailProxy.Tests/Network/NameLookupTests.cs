using System.Net;
using MailProxy.Pipeline.Network;
using NUnit.Framework;

namespace MailProxy.Tests.Network;

internal sealed class NameLookupTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Lookups_ThatHang_TakeNoThreadOfThePool()
    {
        using var go = new ManualResetEventSlim();
        var ofPool = 0;
        IPAddress[] LookUp(string host)
        {
            if (Thread.CurrentThread.IsThreadPoolThread)
                Interlocked.Increment(ref ofPool);
            go.Wait(Deadline);
            return [IPAddress.Loopback];
        }

        var lookups = Enumerable
            .Range(0, 100)
            .Select(i => NameLookup.AddressesAsync($"{i}.example", LookUp, CancellationToken.None))
            .ToArray();
        go.Set();
        var found = await Task.WhenAll(lookups).WaitAsync(Deadline);

        Assert.That((found.Length, ofPool), Is.EqualTo((100, 0)));
    }

    [Test]
    public async Task Lookup_GivenUp_EndsForWhoAsked()
    {
        using var go = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        var lookup = NameLookup.AddressesAsync("slow.example", _ => go.Wait(Deadline) ? [IPAddress.Loopback] : [], cancel.Token);
        await cancel.CancelAsync();

        Assert.That(async () => await lookup, Throws.InstanceOf<OperationCanceledException>());
        go.Set();
    }
}
