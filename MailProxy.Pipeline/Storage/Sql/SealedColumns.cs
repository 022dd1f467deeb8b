using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Every column of the store with a sealed secret. A column that is missing here would be lost when the master key changes; a test checks
/// this.
/// </summary>
internal static class SealedColumns
{
    // The owner is the name that the secret was sealed for, in the form that the classes of the rows write.
    private static readonly (string Table, string Column, string Owner)[] All =
    [
        ("accounts", "password", "'account/' || number || '/password'"),
        ("accounts", "dkim_key", "'account/' || number || '/dkim'"),
        ("accounts", "dkim_keys", "'account/' || number || '/dkim_keys'"),
        ("accounts", "oauth", "'account/' || number || '/oauth'"),
        ("refresh_tokens", "token", "'account/' || account || '/refresh_token'"),
        ("webhooks", "secret", "'webhook/' || tenant || '/' || id || '/secret'"),
        ("webhooks", "auth", "'webhook/' || tenant || '/' || id || '/auth'"),
        ("webhooks", "previous_secret", "'webhook/' || tenant || '/' || id || '/previous_secret'"),
        ("volumes", "secret", "'volume/' || tenant || '/' || id || '/secret'"),
        ("tenants", "attachment_auth", "'tenant/' || id || '/attachment_auth'"),
        ("link_key", "secret", "'links/key'"),
        ("page_keys", "xml", "'page_key/' || name"),
        ("compat_documents", "document", "'compat/' || tenant || '/' || kind || '/' || id"),
    ];

    public static int Count => All.Length;

    /// <summary>The ids of the keys that stored secrets are sealed under.</summary>
    public static HashSet<string> KeysInUse(Session session)
    {
        var heads = session.Query(
            string.Join(" UNION ", All.Select(static c => $"SELECT substr({c.Column}, 1, ?1) FROM {c.Table} WHERE {c.Column} IS NOT NULL")),
            row => row.Blob(0),
            SecretBox.HeadSize
        );
        return
        [
            .. heads.Select(head =>
                SecretBox.KeyIdOf(head)
                ?? throw new StoreRefusedException("A stored secret is damaged: it is not in a form that this program seals.")
            ),
        ];
    }

    /// <summary>Seals everything under the first key that is sealed under another, in the caller's transaction. Returns how many
    /// secrets.</summary>
    public static int Renew(Session session, SecretBox box)
    {
        var renewed = 0;
        foreach (var (table, column, owner) in All)
        {
            var stored = session.Query(
                $"SELECT {owner}, {column} FROM {table} WHERE {column} IS NOT NULL",
                row => (Owner: row.Text(0), Sealed: row.Blob(1))
            );
            foreach (var secret in stored.Where(secret => SecretBox.KeyIdOf(secret.Sealed) != box.SealingKey))
            {
                renewed += session.Run(
                    $"UPDATE {table} SET {column} = ?1 WHERE {owner} = ?2",
                    box.Seal(box.Open(secret.Sealed, secret.Owner), secret.Owner),
                    secret.Owner
                );
            }
        }

        return renewed;
    }
}
