-- The two roles of TONRIS, made once when the database is empty; the same as tonris/embedded/roles.py makes.
--
-- tonris_owner owns the database and its tables and runs the migrations. tonris_app reads and writes rows and
-- owns nothing, so that row-level security holds for it. Neither is a superuser: that one sees every tenant.
--
-- By hand, against a server of your own, as its superuser:
--   POSTGRES_OWNER_PASSWORD=... POSTGRES_APP_PASSWORD=... psql -d postgres -f deploy/postgres/10-roles.sql

\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv app_password POSTGRES_APP_PASSWORD
-- Unset variables would stay in the text below and be a syntax error: no role is made without a password.

SET log_statement = 'none';  -- the passwords stand in the two statements that follow
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;

CREATE ROLE tonris_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION NOCREATEDB
    PASSWORD :'owner_password';
CREATE ROLE tonris_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION NOCREATEDB
    PASSWORD :'app_password';

-- A statement that fails, and the row that it fails for, are what callers say and who they are: the log has the error
-- alone. Nobody but a superuser can say so.
ALTER ROLE tonris_owner SET log_min_error_statement = 'panic';
ALTER ROLE tonris_owner SET log_error_verbosity = 'terse';
ALTER ROLE tonris_app SET log_min_error_statement = 'panic';
ALTER ROLE tonris_app SET log_error_verbosity = 'terse';

CREATE DATABASE tonris OWNER tonris_owner;
REVOKE ALL ON DATABASE tonris FROM PUBLIC;
GRANT CONNECT ON DATABASE tonris TO tonris_app;

\connect tonris

GRANT USAGE ON SCHEMA public TO tonris_app;
ALTER DEFAULT PRIVILEGES FOR ROLE tonris_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tonris_app;
ALTER DEFAULT PRIVILEGES FOR ROLE tonris_owner GRANT USAGE, SELECT ON SEQUENCES TO tonris_app;
