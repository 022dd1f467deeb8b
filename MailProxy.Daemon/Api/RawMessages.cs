using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Messages as they go out. Rendering one takes several times its size, so a tenant renders within its share; what is rendered and large
/// waits in a
/// file for its reader, however slow, and not in memory.
/// </summary>
internal sealed class RawMessages(
    IMessageQueries queries,
    CurrentAccounts accounts,
    WriteRaw writeRaw,
    AnswerMemory memory,
    RenderMemory rendering,
    ScratchFiles scratch,
    LargeGarbage garbage
)
{
    private const long TimesItsSize = 4;
    private const string MediaType = "message/rfc822";

    public async Task<IResult> GetAsync(HttpContext http, string id)
    {
        var key = new MessageKey(Caller.Of(http).Tenant, id);
        if (await queries.GetAsync(key) is not { } view)
            return ProblemAnswer.NotFound("message");
        var size = await queries.BodySizeAsync(key) ?? throw new BodyPurgedException();
        var account = accounts.Directory.Find(view.Account) ?? accounts.Directory.JudgeOf(view.Lane);
        try
        {
            // Rendered before the first byte goes out, so that a failure is still a problem and not half a message.
            return size <= AnswerMemory.Unnoticed ? await SmallAsync(http, key, account) : await LargeAsync(http, key, account, size);
        }
        catch (UnsendableException error)
        {
            return ProblemAnswer.Of(422, "unsendable", error.Message);
        }
    }

    private async Task<IResult> SmallAsync(HttpContext http, MessageKey key, SmtpAccount? account)
    {
        using var rendered = new MemoryStream();
        await RenderAsync(key, account, rendered, http.RequestAborted);
        return new BytesAnswer(memory, rendered.GetBuffer().AsMemory(0, (int)rendered.Length), MediaType);
    }

    private async Task<IResult> LargeAsync(HttpContext http, MessageKey key, SmtpAccount? account, long size)
    {
        var waiting = await memory.ChargeAsync(http, size);
        FileStream? file = null;
        try
        {
            file = scratch.Make();
            using (await rendering.TakeAsync(http, size))
                await RenderAsync(key, account, file, http.RequestAborted);
            garbage.Note(size * TimesItsSize);
            file.Position = 0;
            return new FileAnswer(file, waiting);
        }
        catch
        {
            waiting.Dispose();
            if (file is not null)
                await file.DisposeAsync();
            throw;
        }
    }

    private async Task RenderAsync(MessageKey key, SmtpAccount? account, Stream target, CancellationToken cancel)
    {
        var content = await queries.ContentAsync(key) ?? throw new BodyPurgedException();
        await writeRaw(content, account, target, cancel);
    }

    private sealed class FileAnswer(FileStream file, IDisposable charge) : IResult
    {
        public async Task ExecuteAsync(HttpContext http)
        {
            using (charge)
            await using (file)
            {
                http.Response.ContentType = MediaType;
                http.Response.ContentLength = file.Length;
                await AnswerMemory.SendAsync(http, file);
            }
        }
    }
}
