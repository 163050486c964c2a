//! Who asks: accounts, their keys, logins and links; whose a session is and who else may see it; and what was done.
//!
//! The list of what was done is only added to: triggers refuse every other change, but for what lies before the anchor
//! that keeping it so long has moved.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

use crate::columns::{document, id, index, of_session, string, string_null, text_null, time, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ROLES: &[&str] = &["viewer", "operator", "admin"];

/// Tables and triggers that sea-query has no words for, in the order of their making.
const MADE: &[&str] = &[
    "CREATE UNIQUE INDEX \"ux_accounts_name\" ON \"accounts\" (\"name\" COLLATE NOCASE)",
    "CREATE TABLE \"audit_entries\" ( \"seq\" integer NOT NULL PRIMARY KEY AUTOINCREMENT, \"at\" timestamp_with_timezone_text NOT NULL, \"account_id\" varchar NULL, \"who\" varchar NOT NULL, \"via\" varchar NOT NULL, \"action\" varchar NOT NULL, \"object_kind\" varchar NOT NULL, \"object_id\" varchar NULL, \"session_id\" varchar NULL, \"result\" varchar NOT NULL, \"address\" varchar NULL, \"request_id\" varchar NULL, \"detail\" text NOT NULL, \"hash\" varchar NOT NULL )",
    "CREATE TABLE \"audit_anchor\" ( \"id\" integer NOT NULL PRIMARY KEY CHECK (\"id\" = 1), \"seq\" integer NOT NULL, \"hash\" varchar NOT NULL )",
    "CREATE TRIGGER \"tr_audit_entries_update\" BEFORE UPDATE ON \"audit_entries\" BEGIN SELECT RAISE(ABORT, 'what was done is never changed'); END",
    "CREATE TRIGGER \"tr_audit_entries_delete\" BEFORE DELETE ON \"audit_entries\" WHEN OLD.\"seq\" > ifnull((SELECT \"seq\" FROM \"audit_anchor\"), 0) BEGIN SELECT RAISE(ABORT, 'what was done is kept'); END",
];

/// Reference to the account a row belongs to.
fn of_account(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_account"))
        .from(table, "account_id")
        .to("accounts", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let accounts = Table::create()
            .table("accounts")
            .col(id())
            .col(string("name"))
            .col(word("kind", &["person", "service"]))
            .col(word("role", ROLES))
            .col(string_null("password_hash"))
            .col(document("preferences").default("{}").take())
            .col(time_null("disabled_at"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .take();
        let keys = Table::create()
            .table("api_keys")
            .col(id())
            .col(string("account_id"))
            .col(string("name"))
            .col(word("role", ROLES))
            .col(string("sha256").unique_key().take())
            .col(time_null("expires_at"))
            .col(time_null("last_used_at"))
            .col(time_null("revoked_at"))
            .col(time("created_at"))
            .foreign_key(&mut of_account("api_keys"))
            .take();
        let logins = Table::create()
            .table("logins")
            .col(id())
            .col(string("account_id"))
            .col(string("sha256").unique_key().take())
            .col(string_null("address"))
            .col(text_null("user_agent"))
            .col(time("created_at"))
            .col(time("last_used_at"))
            .col(time("expires_at"))
            .foreign_key(&mut of_account("logins"))
            .take();
        let links = Table::create()
            .table("links")
            .col(id())
            .col(string("session_id"))
            .col(string_null("account_id"))
            .col(string("sha256").unique_key().take())
            .col(text("note").default("").take())
            .col(time("expires_at"))
            .col(time_null("revoked_at"))
            .col(time("created_at"))
            .foreign_key(&mut of_session("links"))
            .foreign_key(&mut of_account("links"))
            .take();
        let shares = Table::create()
            .table("shares")
            .col(id())
            .col(string_null("session_id"))
            .col(string_null("site"))
            .col(string_null("account_id"))
            .col(time("created_at"))
            .foreign_key(&mut of_session("shares"))
            .foreign_key(&mut of_account("shares"))
            .check(Expr::cust("(\"session_id\" IS NULL) <> (\"site\" IS NULL)"))
            .take();
        for table in [accounts, keys, logins, links, shares] {
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("api_keys", &["account_id"] as &[_]),
            ("logins", &["account_id"]),
            ("links", &["session_id"]),
            ("shares", &["session_id", "account_id"]),
            ("shares", &["site", "account_id"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        for (table, name) in [("upload_sessions", "owner_id"), ("jobs", "account_id"), ("jobs", "session_id")] {
            let mut column = string_null(name);
            manager.alter_table(Table::alter().table(table).add_column(&mut column).take()).await?;
        }
        let db = manager.get_connection();
        for sql in MADE {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for trigger in ["tr_audit_entries_delete", "tr_audit_entries_update"] {
            db.execute_unprepared(&format!("DROP TRIGGER \"{trigger}\"")).await?;
        }
        for (table, name) in [("jobs", "session_id"), ("jobs", "account_id"), ("upload_sessions", "owner_id")] {
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        for table in ["audit_anchor", "audit_entries", "shares", "links", "logins", "api_keys", "accounts"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
