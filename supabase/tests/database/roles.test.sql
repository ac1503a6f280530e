-- Who may do what with the inbox, tried as each role on a database with Supabase's roles and default grants.
begin;
set local search_path = public, extensions;
grant usage on schema extensions to public;
select plan(47);

insert into throughline.inbox (id, payload) values ('kept', '{"id": "kept"}');

-- Rights as the catalogue tells them, so that a new table or function cannot slip past the list below.
create function pg_temp.rights(role_name text) returns table (right_held text) language sql as $$
    select 'schema' where has_schema_privilege(role_name, 'throughline', 'usage, create')
    union all
    select relname || ' ' || kind from pg_class
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) kind
    where relnamespace = 'throughline'::regnamespace and relkind in ('r', 'p', 'v', 'm')
        and case when kind in ('select', 'insert', 'update', 'references')
            then has_any_column_privilege(role_name, oid, kind) else has_table_privilege(role_name, oid, kind) end
    union all
    select relname || ' ' || kind from pg_class cross join unnest(array['usage', 'select', 'update']) kind
    where relnamespace = 'throughline'::regnamespace and relkind = 'S' and has_sequence_privilege(role_name, oid, kind)
    union all
    select proname || ' execute' from pg_proc
    where pronamespace = 'throughline'::regnamespace and has_function_privilege(role_name, oid, 'execute')
    union all
    select 'door' where has_function_privilege(role_name, 'public.throughline_accept(text, text, jsonb)', 'execute')
$$;
select set_eq('select pg_temp.rights(''anon'')', array[]::text[], 'anon has no right at all');
select set_eq('select pg_temp.rights(''authenticated'')', array[]::text[], 'authenticated has no right at all');
select set_eq('select pg_temp.rights(''authenticator'')', array[]::text[], 'authenticator has no right of its own');
select set_eq('select pg_temp.rights(''service_role'')', array['door'], 'the service role has the door and nothing else');
select set_eq(
    'select pg_temp.rights(''throughline_ingest'')', array['schema', 'accept execute'],
    'ingest may call the inbox function and nothing else');
select set_eq(
    'select pg_temp.rights(''throughline_worker'')', array['schema', 'inbox select', 'inbox update', 'inbox delete'],
    'the worker may drain and nothing else');
select set_eq(
    'select pg_temp.rights(''throughline_reader'')', array['schema', 'inbox select'], 'the reader may look');

-- The same, tried.
create function pg_temp.is_refused(role_name text, statement text) returns setof text language plpgsql as $$
begin
    execute format('set local role %I', role_name);
    return next extensions.throws_ok(statement, '42501', null, role_name || ' cannot: ' || statement);
    reset role;
end
$$;
create temp table statements (number integer, statement text);
grant select on statements to public;
insert into statements values
    (1, 'select count(*) from throughline.inbox'), (2, 'insert into throughline.inbox (id, payload) values (''x'', ''{}'')'),
    (3, 'update throughline.inbox set due_at = now()'), (4, 'delete from throughline.inbox'),
    (5, 'truncate throughline.inbox'), (6, 'select nextval(''throughline.inbox_position'')'),
    (7, 'select throughline.accept(''{"id": "x"}'')'), (8, 'create table throughline.mine ()'),
    (9, 'create trigger mine after insert on throughline.inbox for each row execute function throughline.tell()');
select pg_temp.is_refused(name, statement) from unnest(array['anon', 'authenticated']) name, statements order by name, number;
select pg_temp.is_refused(name, 'select public.throughline_accept(''{"id": "x"}'')')
from unnest(array['anon', 'authenticated', 'throughline_ingest', 'throughline_worker', 'throughline_reader']) name;
select pg_temp.is_refused('service_role', statement) from statements where number in (1, 2, 4, 7) order by number;
select pg_temp.is_refused('throughline_ingest', statement) from statements where number in (1, 2, 4, 6);
select pg_temp.is_refused('throughline_worker', statement)
from (values ('update throughline.inbox set payload = ''{}'''), ('select throughline.accept(''{"id": "x"}'')')) as tried (statement);
select pg_temp.is_refused('throughline_reader', 'select payload from throughline.inbox');

set local role service_role;
select is(public.throughline_accept('{"id": "by-service"}'), 'by-service', 'the service role sends through the door');
reset role;
set local role throughline_ingest;
select is(throughline.accept('{"id": "by-ingest"}'), 'by-ingest', 'ingest sends through the inbox function');
reset role;
set local role throughline_worker;
select is(
    (select count(*) from (select from throughline.inbox for update skip locked) taken), 3::bigint,
    'the worker sees every row and locks it');
reset role;
set local role throughline_reader;
select is((select count(*) from (select id, reason from throughline.inbox) seen), 3::bigint, 'the reader sees every row');
reset role;

-- What Supabase's advisor would find.
select is_empty(
    $$select proname from pg_proc where prosecdef and proname in ('accept', 'tell', 'throughline_accept')
        and not coalesce(proconfig, '{}') @> array['search_path=""']$$,
    'no function runs as its owner with a search path of the caller''s');
select is_empty(
    $$select relname from pg_class where relnamespace = 'throughline'::regnamespace and relkind in ('r', 'p')
        and not relrowsecurity$$,
    'row level security is on everywhere');

select * from finish();
rollback;
