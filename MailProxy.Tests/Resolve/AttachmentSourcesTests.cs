using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

public sealed class AttachmentSourcesTests
{
    [TestCase("https://x.example/a", "x.example")]
    [TestCase("https://x.example:8443/a", "x.example:8443")]
    [TestCase("web:a", "x.example")]
    [TestCase("store:a", "s3.example")]
    [TestCase("aws:a", "default/aws:")]
    [TestCase("docs:a", "default/docs:")]
    [TestCase("inv-17", "app.example")]
    [TestCase("/srv/a", "files")]
    [TestCase("gone:a", "nowhere")]
    public void HostOf_EveryKind_IsWhatTheLoadIsOn(string source, string host)
    {
        using var bench = new SourceBench { Endpoint = (new("https://app.example/give"), null) };
        bench.Set("web", new VolumeConfig.Http(new("https://x.example/dav/"), null));
        bench.Set("store", new VolumeConfig.S3("b", null, null, new("https://s3.example"), true, "a", "b", true));
        bench.Set("aws", new VolumeConfig.S3("b", null, "eu-central-1", null, false, "a", "b", true));
        bench.Set("docs", new VolumeConfig.Local("/srv"));

        Assert.That(bench.Sources.HostOf("default", SourceBench.Wanted(source)), Is.EqualTo(host));
    }

    [TestCase("/srv/mail", true)]
    [TestCase("/", true)]
    [TestCase("srv", false)]
    [TestCase("/srv/../etc", false)]
    [TestCase("/srv/./a", false)]
    [TestCase("", false)]
    public void AllowedRoots_OnlyAbsolutePaths(string root, bool good) =>
        Assert.That(new AbsolutePathsAttribute().IsValid(new[] { "/srv", root }), Is.EqualTo(good));
}
