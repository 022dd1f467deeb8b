using System.Diagnostics;
using System.Text.Json;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Send;

/// <summary>What Debian's Python makes of mails: its <c>email</c> package, with the default policy.</summary>
internal static class PythonEmail
{
    // Not whichever comes first in PATH.
    private const string Interpreter = "/usr/bin/python3";

    private const string Script = """
        import base64, email, email.policy, json, re, sys
        from email.header import decode_header, make_header

        # UTF-8 in headers stays undecoded in places.
        def text(s):
            return None if s is None else str(s).encode('utf-8', 'surrogateescape').decode('utf-8')

        def leaf(part):
            content = part.get_content() if part.get_content_maintype() == 'text' else None
            octets = None if part.is_multipart() else part.get_payload(decode=True)
            return {
                'type': part.get_content_type(), 'params': dict(part['Content-Type'].params), 'filename': part.get_filename(),
                'cid': text(part['Content-ID']), 'disposition': part.get_content_disposition(),
                'text': content, 'octets': None if octets is None else base64.b64encode(octets).decode(),
            }

        def tree(part):
            inner = part.iter_parts() if part.get_content_maintype() == 'multipart' else []
            defects = [repr(d) for d in part.defects] + [repr(d) for h in part.values() for d in getattr(h, 'defects', [])]
            return dict(leaf(part), parts=[tree(p) for p in inner], defects=defects)

        for line in sys.stdin:
            m = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
            old = email.message_from_bytes(base64.b64decode(line))['Subject']
            old = re.sub(r'\r?\n', '', str(make_header(decode_header(old))) if isinstance(old, str) else '')
            boxes = {n: [[text(a.display_name), text(a.addr_spec)] for a in m[n].addresses] for n in ('From', 'To', 'Cc', 'Reply-To') if m[n] is not None}
            told = {'subject': text(m['Subject']), 'old': old, 'headers': [[n, text(v)] for n, v in m.items()], 'boxes': boxes, 'body': tree(m)}
            print(json.dumps(told))
        """;

    public static async Task<IReadOnlyList<JsonElement>> ReadAsync(IEnumerable<byte[]> mails)
    {
        var info = Run.Info(Interpreter, "-c", Script);
        info.RedirectStandardInput = true;
        using var python = Process.Start(info) ?? throw new InvalidOperationException("No Python.");
        var output = python.StandardOutput.ReadToEndAsync();
        var error = python.StandardError.ReadToEndAsync();
        foreach (var mail in mails)
            await python.StandardInput.WriteLineAsync(Convert.ToBase64String(mail));
        python.StandardInput.Close();
        await python.WaitForExitAsync();
        if (python.ExitCode != 0)
            throw new InvalidOperationException(await error);
        return
        [
            .. (await output)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static line => JsonDocument.Parse(line).RootElement),
        ];
    }
}
