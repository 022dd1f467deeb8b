using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>A condition of a search as an SQL expression about the message <c>m</c>.</summary>
/// <param name="value">Adds a parameter and tells its name.</param>
/// <param name="begun">A query for the numbers of the messages whose bodies have begun.</param>
internal sealed class MessageTermSql(Func<object, string> value, string begun)
{
    /// <summary>The function that looks for a part of a text whatever the case.</summary>
    public const string Contains = "text_contains";

    public string Of(MessageTerm term) => term.Not ? $"NOT ({Positive(term)})" : Positive(term);

    private string Positive(MessageTerm term) =>
        term switch
        {
            MessageTerm.Id id => $"m.id = {value(id.Value)}",
            MessageTerm.MessageId id => $"m.message_id_header = {value(id.Header)}",
            MessageTerm.Recipient to => Recipient($"x.address = {value(to.Address)} COLLATE NOCASE"),
            MessageTerm.RecipientDomain to => Recipient(EndsWith("x.address", to.Domain)),
            MessageTerm.Sender from => $"m.envelope_sender = {value(from.Address)} COLLATE NOCASE",
            MessageTerm.SenderDomain from => EndsWith("m.envelope_sender", from.Domain),
            MessageTerm.InState states => InState(states.Any),
            MessageTerm.ByAccount accounts => IsOne("m.account", accounts.Any.Select(static key => (long)key.Number)),
            MessageTerm.InPool pools => IsOne("m.pool", pools.Any.Select(static key => (long)key.Number)),
            MessageTerm.InBatch batch => $"m.batch IS NOT DISTINCT FROM {value(batch.Name)}",
            MessageTerm.Tagged tagged => Tagged(tagged.Tag),
            MessageTerm.OfPriority priority => $"m.priority = {value((long)priority.Value)}",
            MessageTerm.Since since => $"m.created_at >= {value(since.At)}",
            MessageTerm.Before before => $"m.created_at < {value(before.At)}",
            MessageTerm.ReplyCode code => Recipient($"x.smtp_code BETWEEN {value((long)code.Least)} AND {value((long)code.Most)}"),
            MessageTerm.EnhancedCode code => Recipient(BeginsWith("x.enhanced_code", code.Code)),
            MessageTerm.Subject subject => Has("m.subject", subject.Part),
            MessageTerm.Reply reply => Recipient(Has("x.reply", reply.Part)),
            MessageTerm.Word word => Word(word.Text),
            _ => throw new InvalidOperationException($"{term.GetType().Name} is no condition of a search."),
        };

    /// <summary>A text with tags, which may be absent, has this one.</summary>
    public string Tagged(string tag) => $"m.tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(m.tags) t WHERE t.value = {value(tag)})";

    // "Sending" stands in no row: the message's own state is still the one from before.
    private string InState(IReadOnlyList<MessageState> states)
    {
        var stored = IsOne("m.state", states.Where(static one => one != MessageState.Sending).Select(static one => (long)one));
        var waits = $"({stored} AND m.number NOT IN ({begun}))";
        return states.Contains(MessageState.Sending) ? $"({waits} OR m.number IN ({begun}))" : waits;
    }

    private string Word(string text)
    {
        var byId = $"m.id = {value(text)} OR m.message_id_header = {value(NumberSources.Header(text))}";
        return NumberSources.IsAddress(text)
            ? $"({byId} OR {Recipient($"x.address = {value(text)} COLLATE NOCASE")})"
            : $"({byId} OR {Has("m.subject", text)})";
    }

    private string IsOne(string column, IEnumerable<long> numbers)
    {
        var names = numbers.Select(number => value(number)).ToArray();
        return names.Length == 0 ? "false" : $"({column} IS NOT NULL AND {column} IN ({string.Join(", ", names)}))";
    }

    private string Has(string column, string part) => $"({column} IS NOT NULL AND {Contains}({column}, {value(part)}))";

    private string EndsWith(string column, string domain) =>
        $"substr({column}, length({column}) - {value((long)domain.Length)}) = {value("@" + domain)} COLLATE NOCASE";

    private string BeginsWith(string column, string code) =>
        $"({column} = {value(code)} OR substr({column}, 1, {value(code.Length + 1L)}) = {value(code + ".")})";

    private static string Recipient(string condition) => $"EXISTS (SELECT 1 FROM recipients x WHERE x.message = m.number AND {condition})";
}
