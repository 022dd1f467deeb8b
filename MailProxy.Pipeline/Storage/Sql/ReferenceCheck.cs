using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Checks again, in the transaction that stores a submission, whether everything that it was validated against still exists: its account,
/// which is deleted with its tenant too, and the volumes that its attachments name. A person may have deleted them since the validation,
/// and
/// the deletion, which looks for unfinished mail, cannot have seen what was not stored yet. One instance for
/// submissions that are written one after the other.
/// </summary>
internal sealed class ReferenceCheck(Session session)
{
    private const string Deleted = "SELECT EXISTS (SELECT 1 FROM accounts WHERE number = ?1 AND deleted_at IS NOT NULL)";
    private const string Volume = "SELECT EXISTS (SELECT 1 FROM volumes WHERE id = ?2 AND (tenant = ?1 OR shared <> 0))";

    private const string Pool = "SELECT EXISTS (SELECT 1 FROM pools WHERE number = ?1)";

    private readonly Dictionary<AccountKey, bool> _deleted = [];
    private readonly Dictionary<PoolKey, bool> _pools = [];

    /// <summary>Null when everything exists.</summary>
    public Problem? Fault(AcceptedMail mail)
    {
        if (mail.Pool is { } pool && (!IsThere(pool) || IsDeleted(mail.Lane)))
            return Refused("/pool", "unknown_pool", "The pool was deleted or changed while the message came in.");
        if (mail.Pool is null && IsDeleted(mail.Account))
            return Refused("/account", "unknown_account", "The account was deleted while the message came in.");
        foreach (var (attachment, volume) in mail.Volumes)
        {
            if (session.Prepare(Volume).Add(mail.Key.Tenant).Add(volume).Scalar() == 1)
                continue;
            return Refused(
                $"/attachments/{attachment}/source",
                "unknown_volume",
                $"The volume '{volume}' was deleted while the message came in."
            );
        }

        return null;
    }

    /// <summary>Whether mail that waits in this lane could never be sent.</summary>
    public bool IsDeleted(LaneKey lane) => Lanes.PoolOf(lane) is { } pool ? !IsThere(pool) : IsDeleted(Lanes.AccountOf(lane));

    private bool IsThere(PoolKey pool) =>
        _pools.TryGetValue(pool, out var there) ? there : _pools[pool] = session.Prepare(Pool).Add(pool.Number).Scalar() == 1;

    /// <summary>Whether mail of this account could never be sent.</summary>
    public bool IsDeleted(AccountKey account)
    {
        if (_deleted.TryGetValue(account, out var deleted))
            return deleted;
        return _deleted[account] = session.Prepare(Deleted).Add(account.Number).Scalar() == 1;
    }

    private static Problem Refused(string pointer, string code, string detail) => new(422, code, detail, [new(pointer, code, detail)]);
}
