using MailProxy.Pipeline.Profiles;
using NUnit.Framework;

namespace MailProxy.Tests.Profiles;

/// <summary>The shipped profiles, against replies that servers give.</summary>
internal sealed class CorpusTests
{
    private static readonly ProfileSet Profiles = ProfileSet.Shipped;

    private static ReplyRule? RuleFor(CorpusReply reply) => Profiles.For(reply.Host).Judge(reply.At, reply.Code, reply.Text);

    [Test]
    public void Corpus_HasTheFortyRowsAndAtLeastTwoHundredMore()
    {
        Assert.That(Corpus.All.Select(reply => reply.Row).OfType<int>().Distinct(), Is.EquivalentTo(Enumerable.Range(1, 40)));
        Assert.That(Corpus.All.Count(reply => reply.Row is null), Is.AtLeast(200));
        Assert.That(Corpus.All.Where(reply => reply.Source.Length == 0), Is.Empty);
    }

    [Test]
    public void Rows_Each_IsJudgedAsTheTableSays()
    {
        var wrong = Corpus.All.Where(reply => reply.Row is not null).Where(reply => !IsRight(reply)).Select(Told);
        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void Replies_NinetyNineOfAHundred_AreJudgedRight()
    {
        var wrong = Corpus.All.Where(reply => !IsRight(reply)).Select(Told).ToArray();
        Assert.That(wrong, Has.Length.AtMost(Corpus.All.Count / 100), string.Join('\n', wrong));
    }

    [Test]
    public void Rules_Each_DecidesAReplyOfTheCorpus()
    {
        var spoke = Corpus.All.Select(RuleFor).OfType<ReplyRule>().Select(static rule => rule.FullName).ToHashSet();
        var named = Corpus.All.Select(static reply => reply.Rule).OfType<string>().ToHashSet();
        var all = Profiles.All.SelectMany(static profile => profile.Rules).Select(static rule => rule.FullName).Distinct().ToArray();
        Assert.That(all.Except(spoke), Is.Empty, "rules that match nothing");
        Assert.That(all.Except(named), Is.Empty, "rules without a test of their own");
    }

    [Test]
    public void Patterns_OfTheShippedProfiles_AreMatchedWithoutBacktracking() =>
        Assert.That(
            Profiles
                .All.SelectMany(static profile => profile.Rules)
                .Where(static rule => rule.Text is not null)
                .Select(static rule => (rule.FullName, TextPattern.Parse(rule.Text!.Source).Mistake))
                .Where(static one => one.Mistake is not null),
            Is.Empty
        );

    [Test]
    public void Replies_FromAnUnknownHost_AreNeverJudgedByAnothersRule() =>
        Assert.That(
            Corpus
                .All.Select(reply => Profiles.For("mx.unknown.example").Judge(reply.At, reply.Code, reply.Text))
                .OfType<ReplyRule>()
                .Where(static rule => rule.Profile != ProfileSet.Any),
            Is.Empty
        );

    private static bool IsRight(CorpusReply reply)
    {
        var rule = RuleFor(reply);
        return Corpus.Judged(reply, rule) == (reply.Scope, reply.Action) && (reply.Rule is null || reply.Rule == rule?.FullName);
    }

    private static string Told(CorpusReply reply)
    {
        var rule = RuleFor(reply);
        return $"{reply}: {Corpus.Judged(reply, rule)} by {rule?.FullName ?? "no rule"}, not {(reply.Scope, reply.Action)} by {reply.Rule}";
    }
}
