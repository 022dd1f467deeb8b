using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Api.MessageViews;

namespace MailProxy.Tests.Api;

/// <summary>The parameter <c>q</c> of lists.</summary>
[TestFixture]
public sealed class MessageSearchRoutesTests
{
    private ApiHost _host = null!;
    private SmtpAccount _account = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _account = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 1,
                Host = "smtp.example",
            }
        );
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [Test]
    public async Task List_Search_ReachesTheStoreBesideTheParameters()
    {
        var search = "status:failed to:b@x.example account:main -tag:a invoice status:sent";
        using var answer = await _host.SendAsync("GET", $"/v1/messages?batch=june&q={Uri.EscapeDataString(search)}");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        var filter = _host.Queries.Filters.Single();
        Assert.Multiple(() =>
        {
            Assert.That(
                filter with
                {
                    Terms = [],
                },
                Is.EqualTo(new MessageFilter("default", MessageState.Failed, _account.Key, "june", To: "b@x.example"))
            );
            Assert.That(filter.Terms, Has.Count.EqualTo(3));
            Assert.That(filter.Terms[0], Is.EqualTo(new MessageTerm.Tagged("a") { Not = true }));
            Assert.That(filter.Terms[1], Is.EqualTo(new MessageTerm.Word("invoice")));
            Assert.That(filter.Terms[2], Is.InstanceOf<MessageTerm.InState>(), "both hold, so there is none");
        });
    }

    [TestCase("account:none")]
    [TestCase("pool:none")]
    [TestCase("account:theirs")]
    public async Task List_SearchForAnAccountOfNobody_Empty(string search)
    {
        _host.Queries.Views.Add(View(1, "m-1"));
        using var answer = await _host.SendAsync("GET", "/v1/messages?q=" + search);
        Assert.That((await answer.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo("""{"data":[],"next_cursor":null}"""));
    }

    [TestCase("q=statsu:failed", "/q")]
    [TestCase("q=age:1h%20code:x", "/q,/q")]
    public async Task List_WrongSearch_422NamesIt(string query, string pointers)
    {
        using var answer = await _host.SendAsync("GET", "/v1/messages?" + query);
        var problem = await answer.ProblemAsync(422, "invalid_search");
        Assert.That(problem.Pointers(), Is.EqualTo(pointers.Split(',')));
    }
}
