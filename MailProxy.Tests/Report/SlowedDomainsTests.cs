using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Report;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>What an attempt says of the rate for a domain.</summary>
internal sealed class SlowedDomainsTests
{
    [Test]
    public void Tell_SeveralRecipients_OnceOfEachDomainThatIsSlowed()
    {
        var slow = new SlowDown(0.5, null, null);
        RecipientVerdict One(int ordinal, string address, SlowDown? asked) =>
            new(ordinal, address, Verdict.Deferred, 450, "4.7.1", "4.7.1 too fast") { Rule = "relay/busy", Slow = asked };
        var tried = new Outcome.Attempted(
            Send.Sample.Ticket(),
            Send.Sample.Content(),
            [One(0, "a@X.example", slow), One(1, "b@x.example", slow), One(2, "c@y.example", null), One(3, "d@z.example", slow)]
        );

        var wake = new Wake();

        SlowedDomains.Tell(tried, wake);

        Assert.That(
            wake.Drain().SlowedDestinations.Values,
            Is.EquivalentTo(
                new[]
                {
                    new SlowedDestination(new(7), "x.example", slow, "relay/busy: 4.7.1 too fast", null),
                    new SlowedDestination(new(7), "z.example", slow, "relay/busy: 4.7.1 too fast", null),
                }
            )
        );
    }
}
