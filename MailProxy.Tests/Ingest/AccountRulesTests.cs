using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

internal sealed class AccountRulesTests
{
    [Test]
    public void Judge_NoAccountAtAll_IsRequired() =>
        Assert.That(Rules.JudgeWith("", Rules.With()).Errors(), Is.EqualTo(new[] { ("/account", "account_required") }));

    [Test]
    public void Judge_TwoAccountsAndNoneNamed_IsRequired()
    {
        var line = Rules.JudgeWith("", Rules.With(Rules.Account(1, "a"), Rules.Account(2, "b")));

        Assert.That((line.Problem!.Status, line.Problem.Code), Is.EqualTo((422, "account_required")));
        Assert.That(line.Problem.Errors[0].Detail, Does.Contain("Name one of: a, b."));
    }

    [Test]
    public void Judge_AnAccountThatDoesNotExist_NamesThoseThatDo() =>
        Assert.That(
            Rules.JudgeWith("\"account\":\"x\"", Rules.With(Rules.Account(1, "a"))).Problem!.Errors[0].Detail,
            Is.EqualTo("There is no such account. Name one of: a.")
        );

    [Test]
    public void Judge_MoreAccountsThanOneReads_NamesTwenty() =>
        Assert.That(
            Rules
                .JudgeWith("", Rules.With([.. Enumerable.Range(1, 30).Select(n => Rules.Account(n, $"a{n:00}"))]))
                .Problem!.Errors[0]
                .Detail,
            Does.Contain("a20 and more").And.Not.Contain("a21")
        );

    [Test]
    public void Judge_SandboxBesideOneAccount_TakesTheAccount()
    {
        var rules = Rules.With(Rules.Account(1, "sandbox", sandbox: true), Rules.Account(2, "real"));

        Assert.That(Rules.JudgeWith("", rules).Mail!.Account, Is.EqualTo(new AccountKey(2)));
        Assert.That(Rules.JudgeWith("\"account\":\"sandbox\"", rules).Mail!.Account, Is.EqualTo(new AccountKey(1)));
    }

    [Test]
    public void Judge_OnlyTheSandbox_TakesIt() =>
        Assert.That(
            Rules.JudgeWith("", Rules.With(Rules.Account(1, "sandbox", sandbox: true))).Mail!.Account,
            Is.EqualTo(new AccountKey(1))
        );

    [Test]
    public void Judge_AccountOfAnotherTenant_IsUnknown()
    {
        var rules = Rules.With(Rules.Account(1, "mine"), Rules.Account(2, "theirs", tenant: "other"));

        Assert.That(Rules.JudgeWith("\"account\":\"theirs\"", rules).Errors(), Is.EqualTo(new[] { ("/account", "unknown_account") }));
    }

    [TestCase("ann@x.example", true)]
    [TestCase("ann@X.EXAMPLE", true)]
    [TestCase("bob@x.example", false)]
    [TestCase("Ann@x.example", false)]
    [TestCase("ann@sub.x.example", false)]
    [TestCase("anyone@y.example", true)]
    [TestCase("anyone@sub.y.example", false)]
    [TestCase("anyone@notY.example", false)]
    [TestCase("a@bücher.example", true)]
    [TestCase("a@xn--bcher-kva.example", true)]
    [TestCase("a@bu\u0308cher.example", true)]
    [TestCase("a@ＢÜＣＨＥＲ.example", true)]
    [TestCase("a@bucher.example", false)]
    public void Judge_FromAllowed_DecidesByAddressOrDomain(string from, bool allowed)
    {
        var rules = Rules.With(Rules.Account(1, "a", fromAllowed: ["ann@x.example", "@Y.example", "@bücher.example"]));

        Assert.That(
            Rules.JudgeWith($"\"from\":[\"{from}\"]", rules).Errors(),
            allowed ? Is.Empty : Is.EqualTo(new[] { ("/from/0", "from_not_allowed") })
        );
    }
}
