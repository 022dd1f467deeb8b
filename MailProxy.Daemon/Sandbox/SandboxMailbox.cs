namespace MailProxy.Daemon.Sandbox;

/// <summary>The mail that the sandbox received recently, limited in count and bytes. Safe for many writers and readers.</summary>
internal sealed class SandboxMailbox(SandboxOptions options)
{
    private readonly Lock _lock = new();
    private readonly Queue<SandboxMail> _mails = new();
    private readonly List<(long Total, TaskCompletionSource Reached)> _waiting = [];
    private long _bytes;
    private long _received;
    private readonly long _keepBytes = SandboxMemory.OfProcess.Kept(options.KeepBytes);

    /// <summary>Number of mails received since the start, including those no longer kept.</summary>
    public long Received => Interlocked.Read(ref _received);

    public SandboxMail Add(DateTimeOffset at, string from, IReadOnlyList<string> recipients, ReadOnlyMemory<byte> raw)
    {
        lock (_lock)
        {
            var mail = new SandboxMail(++_received, at, from, recipients, raw);
            _mails.Enqueue(mail);
            _bytes += raw.Length;
            while (_mails.Count > 1 && (_mails.Count > options.KeepMessages || _bytes > _keepBytes))
            {
                _bytes -= _mails.Dequeue().Size;
            }

            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Total > _received)
                    continue;
                _waiting[i].Reached.TrySetResult();
                _waiting.RemoveAt(i);
            }

            return mail;
        }
    }

    /// <summary>One page, newest first; <paramref name="before"/> is the last id of the previous page, or null.</summary>
    public IReadOnlyList<SandboxMail> Page(int limit, long? before = null)
    {
        lock (_lock)
        {
            return [.. _mails.Reverse().Where(mail => before is null || mail.Id < before).Take(limit)];
        }
    }

    /// <summary>One mail; null when it never existed or is no longer kept.</summary>
    public SandboxMail? Find(long id)
    {
        lock (_lock)
        {
            return _mails.FirstOrDefault(mail => mail.Id == id);
        }
    }

    /// <summary>Removes every mail to this address, and returns how many.</summary>
    public int Forget(string address)
    {
        lock (_lock)
        {
            SandboxMail[] kept = [.. _mails.Where(mail => !mail.Recipients.Contains(address, StringComparer.OrdinalIgnoreCase))];
            var forgotten = _mails.Count - kept.Length;
            _mails.Clear();
            foreach (var mail in kept)
                _mails.Enqueue(mail);
            _bytes = kept.Sum(mail => (long)mail.Size);
            return forgotten;
        }
    }

    /// <summary>Completes when at least this many mails were received since the start.</summary>
    public Task ReachedAsync(long total)
    {
        lock (_lock)
        {
            if (_received >= total)
                return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((total, reached));
            return reached.Task;
        }
    }
}
