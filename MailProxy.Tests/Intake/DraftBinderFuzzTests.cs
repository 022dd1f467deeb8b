using System.Text;
using CsCheck;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Ingest;
using NUnit.Framework;

namespace MailProxy.Tests.Intake;

internal sealed class DraftBinderFuzzTests
{
    private const string One = """
        {"id":"m-1","account":"main","from":"Ann <a@x>","to":["b@y",{"email":"c@z","name":"C\u00fc"}],"cc":[],"return_path":"","subject":"\ud83d\ude00","text":"t","html":null,
        "headers":{"X-A":"1","Message-ID":"<a@b>"},"attachments":[{"filename":"f","content":"AAAA","content_type":"a/b","inline_id":"i"},{"filename":"g","source":"docs:a","sha256":"00","size":7,"auth":{"bearer":"x"}},{"filename":"h{MD5:00}","storage_path":"/srv/mail/a","fetch_mode":"filesystem","content_md5":"00"}],"priority":1,"send_at":"2030-02-01T00:00:00Z",
        "expires_at":1900000000,"batch":"b","tags":["t"],"metadata":{"k":{"l":[1,2.5e3,true,null]}},"on_ambiguous":"hold"}
        """;

    private const string Raw = """{"to":"b@y","raw":"RnJvbTogYUB4DQpNZXNzYWdlLUlEOiA8YUBiPg0KU3ViamVjdDogPT91dGYtOD9xP2E/PQ0KDQpoaQ=="}""";

    private static readonly Gen<byte[]> Hostile = Gen.OneOf(
        Gen.Byte.Array[0, 64],
        Mutated(One),
        Mutated(Raw),
        Mutated($"{{\"messages\":[{One},{{}},{Raw}],\"defaults\":{{\"from\":\"d@x\",\"tags\":[]}}}}")
    );

    [Test]
    public void BindOne_AnyBytes_GivesADraftOrAProblemAndTheRulesTakeIt() =>
        Hostile.Sample(bytes => Holds(DraftBinder.BindOne(bytes)), iter: 20_000);

    [Test]
    public void BindBatch_AnyBytes_GivesDraftsOrAProblem() =>
        Hostile.Sample(
            bytes =>
            {
                var batch = DraftBinder.BindBatch(bytes, new() { MaxMessages = 100 });
                return batch.Problem is not null
                    ? batch.Drafts.Count == 0
                    : batch
                        .Drafts.Select((draft, i) => Holds(draft) && batch.Locate(i, "/from").EndsWith("/from", StringComparison.Ordinal))
                        .All(good => good);
            },
            iter: 20_000
        );

    private static bool Holds(Draft draft)
    {
        var line = Judge.Judge("default", draft, Rules.Now, () => Rules.NextId);
        var one = (draft.Mail is null) == (draft.Problem is not null) && (line.Mail is null) == (line.Problem is not null);
        return one
            && (draft.Mail is null || ContentHash.Of(draft.Json) is not null)
            && (
                line.Mail is not { } mail
                || (
                    mail.Recipients.Count > 0
                    && !Unsafe(mail.EnvelopeSender)
                    && !mail.Recipients.Any(Unsafe)
                    && !Unsafe(mail.MessageIdHeader)
                )
            );
    }

    private static bool Unsafe(string text) => text.AsSpan().ContainsAny('\r', '\n', '\0');

    private static readonly SubmissionRules Judge = Rules.With(Rules.Account(1, "main"));

    // A few cuts, doublings and changed bytes, so that most of it stays JSON for long enough to reach the depths.
    private static Gen<byte[]> Mutated(string json)
    {
        var source = Encoding.UTF8.GetBytes(json);
        var edit = Gen.Select(Gen.Int[0, source.Length - 1], Gen.Int[0, 3], Gen.OneOf(Gen.Byte, Gen.Byte[32, 126]), Gen.Int[0, 12]);
        return edit.Array[0, 4]
            .Select(edits =>
            {
                var bytes = new List<byte>(source);
                foreach (var (at, kind, value, length) in edits)
                {
                    var from = Math.Min(at, bytes.Count);
                    var count = Math.Min(length, bytes.Count - from);
                    if (kind == 0)
                        bytes.RemoveRange(from, count);
                    else if (kind == 1)
                        bytes.InsertRange(from, bytes.GetRange(from, count));
                    else if (kind == 2)
                        bytes.Insert(from, value);
                    else if (from < bytes.Count)
                        bytes[from] = value;
                }

                return bytes.ToArray();
            });
    }
}
