-- What a Supabase project's database has before anybody's migrations: its roles and what they are granted by default.
-- Run as a superuser (there: supabase_admin); migrations then run as `postgres`, which is none.
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit password 'authenticator';
grant anon, authenticated, service_role to authenticator;
create role postgres login createrole createdb replication bypassrls password 'postgres';
grant anon, authenticated, service_role to postgres;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
