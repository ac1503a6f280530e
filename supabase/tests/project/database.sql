-- What a fresh Supabase database grants: run as a superuser in each new database, which belongs to `postgres`.
select format('alter database %I owner to postgres', current_database()) \gexec
create schema extensions;
create extension pgtap with schema extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
