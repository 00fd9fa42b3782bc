"""What the database itself does for the audit trail, as SQL for the migration."""
# ruff: noqa: S608 - put together of constants

from tenants.audit.chain import PLATFORM, VERSION

ENTRY, DETAIL = "tenants_auditentry", "tenants_auditdetail"

# At commit, when every other lock of the transaction is taken: two of them cannot wait for each other. As the owner of
# the tables, for nobody else may update an entry; in the platform's scope, for the one that wrote it may be over.
SEAL = f"""
CREATE FUNCTION tenants_audit_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
  platform_was text := coalesce(current_setting('app.platform', true), '');
  whose text := coalesce(NEW.tenant_id::text, '{PLATFORM}');
  before {ENTRY}%ROWTYPE;
  place bigint;
  linked text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('audit ' || whose, 0));
  PERFORM set_config('app.platform', 'on', true);
  IF NEW.tenant_id IS NULL THEN
    SELECT * INTO before FROM {ENTRY} WHERE tenant_id IS NULL AND position IS NOT NULL
      ORDER BY position DESC LIMIT 1;
  ELSE
    SELECT * INTO before FROM {ENTRY} WHERE tenant_id = NEW.tenant_id AND position IS NOT NULL
      ORDER BY position DESC LIMIT 1;
  END IF;
  place := coalesce(before.position, 0) + 1;
  linked := coalesce(before.hash, '');
  UPDATE {ENTRY} SET position = place, previous_hash = linked, hash = encode(sha256(convert_to(concat_ws(E'\\n',
      '{VERSION}', linked, whose, place::text, ((extract(epoch FROM NEW.occurred_at) * 1000000)::bigint)::text,
      NEW.actor_kind, NEW.actor_id, NEW.action, NEW.subject_kind, NEW.subject_id, NEW.erases, NEW.commitment
    ), 'UTF8')), 'hex') WHERE id = NEW.id;
  PERFORM set_config('app.platform', platform_was, true);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON {ENTRY} DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION tenants_audit_seal();
"""

GUARD = f"""
CREATE FUNCTION tenants_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.position := NULL;
    NEW.previous_hash := '';
    NEW.hash := '';
    RETURN NEW;
  ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = '{ENTRY}' THEN
    IF OLD.position IS NULL AND OLD.hash = '' AND NEW.position IS NOT NULL AND
      to_jsonb(NEW) - '{{position,previous_hash,hash}}'::text[] =
      to_jsonb(OLD) - '{{position,previous_hash,hash}}'::text[]
    THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit trail is only ever added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_guard BEFORE INSERT OR UPDATE OR DELETE ON {ENTRY}
  FOR EACH ROW EXECUTE FUNCTION tenants_audit_guard();
CREATE TRIGGER audit_guard BEFORE UPDATE ON {DETAIL}
  FOR EACH ROW EXECUTE FUNCTION tenants_audit_guard();
"""

# Default privileges give the application's role all four verbs on every new table.
REVOKE = f"""
DO $$
DECLARE grantee regrole;
BEGIN
  FOR grantee IN
    SELECT DISTINCT a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid IN ('{ENTRY}'::regclass, '{DETAIL}'::regclass) AND a.grantee <> c.relowner AND a.grantee <> 0
  LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {ENTRY} FROM %s', grantee);
    EXECUTE format('REVOKE UPDATE, TRUNCATE ON {DETAIL} FROM %s', grantee);
  END LOOP;
END $$;
"""

UNDO = f"""
DROP TRIGGER IF EXISTS audit_seal ON {ENTRY};
DROP TRIGGER IF EXISTS audit_guard ON {ENTRY};
DROP TRIGGER IF EXISTS audit_guard ON {DETAIL};
DROP FUNCTION IF EXISTS tenants_audit_seal();
DROP FUNCTION IF EXISTS tenants_audit_guard();
"""
