using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class RenderingTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Render_ManyLargeMailsOfOneTenant_LeaveTheOthersTheirTurns()
    {
        using var go = new ManualResetEventSlim();
        var (begun, half) = (0, Rendering.AtATime / 2);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var composer = new MimeComposer(new());
        var rendering = new Rendering(
            mail =>
            {
                if (mail.Account.Tenant == "mallory")
                {
                    if (Interlocked.Increment(ref begun) == half)
                        all.TrySetResult();
                    go.Wait(Deadline);
                }

                return composer.Compose(mail.Content, mail.Files, mail.Links, null);
            },
            new(0.5, static () => true)
        );

        var hostile = Enumerable
            .Range(0, 4 * half)
            .Select(_ => rendering.RenderAsync(Mail("mallory", 300_000), CancellationToken.None).AsTask())
            .ToArray();
        await all.Task.WaitAsync(Deadline);
        using var large = await rendering.RenderAsync(Mail("victim", 300_000), CancellationToken.None).AsTask().WaitAsync(Deadline);
        using var small = await rendering.RenderAsync(Mail("victim", 10), CancellationToken.None).AsTask().WaitAsync(Deadline);
        Assert.That(
            (begun, hostile.Count(static one => one.IsCompleted)),
            Is.EqualTo((half, 0)),
            "no more than its share, and all of it goes on"
        );

        go.Set();
        foreach (var mail in await Task.WhenAll(hostile).WaitAsync(Deadline))
            mail.Dispose();
        Assert.That(begun, Is.EqualTo(4 * half));
    }

    private static ResolvedMail Mail(string tenant, int bytes)
    {
        var content = Sample.Content(json: "{\"from\":\"a@x.example\",\"to\":\"b@y.example\",\"text\":\"" + new string('x', bytes) + "\"}");
        return new(
            new(Sample.Ticket(), new(7), new Sample.Permit()),
            Sample.Account(25) with
            {
                Tenant = tenant,
            },
            content,
            new Sample.Charge()
        );
    }
}
