"""Let the database itself refuse to change or remove audit entries."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE = "audit_auditentry"

# REPLACE removes the row in its way without firing a DELETE trigger, so the insert itself has to look.
SQLITE = [
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, 'audit entries cannot be changed'); END""",
    f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, 'audit entries cannot be deleted'); END""",
    f"""CREATE TRIGGER audit_no_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE sequence = NEW.sequence OR rowid = NEW.rowid
                 OR hash = NEW.hash OR prev_hash = NEW.prev_hash)
    BEGIN SELECT RAISE(ABORT, 'audit entries cannot be replaced'); END""",  # noqa: S608  the table's name is a constant
]
SQLITE_REVERSED = [
    "DROP TRIGGER audit_no_update",
    "DROP TRIGGER audit_no_delete",
    "DROP TRIGGER audit_no_replace",
]

# ALWAYS: these fire under session_replication_role = 'replica' too, which would silence ordinary triggers.
POSTGRESQL = [
    """CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit entries are append-only: % refused', TG_OP
          USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse()""",
    f"""CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_no_update",
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER audit_no_truncate",
]
POSTGRESQL_REVERSED = [
    f"DROP TRIGGER audit_no_update ON {TABLE}",
    f"DROP TRIGGER audit_no_truncate ON {TABLE}",
    "DROP FUNCTION audit_refuse()",
]


def _run(editor: BaseDatabaseSchemaEditor, statements: dict[str, list[str]]) -> None:
    vendor = editor.connection.vendor
    if vendor not in statements:
        raise RuntimeError(f"the audit trail has no append-only triggers for {vendor}")
    for statement in statements[vendor]:
        editor.execute(statement, params=None)  # None: the % of plpgsql is no placeholder


def protect(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the triggers."""
    _run(editor, {"sqlite": SQLITE, "postgresql": POSTGRESQL})


def unprotect(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Drop the triggers."""
    _run(editor, {"sqlite": SQLITE_REVERSED, "postgresql": POSTGRESQL_REVERSED})


class Migration(migrations.Migration):
    """Triggers on the audit table."""

    dependencies = [("audit", "0001_audit_entries")]
    operations = [migrations.RunPython(protect, unprotect, elidable=False)]
