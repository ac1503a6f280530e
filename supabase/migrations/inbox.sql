-- Throughline's inbox: what your triggers and Edge Functions write waits here until your Throughline server takes it.
--
-- Everything stands in a schema of its own, which the Data API must not expose (it exposes `public` alone unless you say
-- otherwise). Safe to run again. It needs Postgres 14 or newer, and works on one that is no Supabase too.

create schema if not exists throughline;
comment on schema throughline is 'Events on their way to Throughline. Not for the Data API.';

-- Roles without a login; give one to each program that needs it: docs/supabase.md.
do $roles$
declare
    name text;
begin
    foreach name in array array ['throughline_ingest', 'throughline_worker', 'throughline_reader'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
end
$roles$;

create sequence if not exists throughline.inbox_position;

create table if not exists throughline.inbox (
    -- Empty: `payload` is an event in Throughline's own form. Else the source whose sender signed `payload`.
    source text not null default '',
    -- The event's own id, or a digest of the delivery: the same thing accepted twice is one row.
    id text not null,
    position bigint not null default nextval('throughline.inbox_position'),
    -- The exact text that was sent; a signature is over these bytes.
    payload text not null,
    -- The headers that carry the signature.
    headers jsonb,
    -- The database's own clock: signatures are judged by it.
    accepted_at timestamptz not null default clock_timestamp(),
    -- When the server looks at the row next; later than now only after it could not use it, for `reason`.
    due_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    reason text,
    primary key (source, id)
)
-- Rows come and go: dead ones must not pile up in front of the living.
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

create index if not exists inbox_due on throughline.inbox (due_at, position);

alter table throughline.inbox enable row level security;

drop policy if exists worker_drains on throughline.inbox;
create policy worker_drains on throughline.inbox to throughline_worker using (true) with check (true);
drop policy if exists reader_looks on throughline.inbox;
create policy reader_looks on throughline.inbox for select to throughline_reader using (true);

-- Accepts one event, or one signed delivery, and answers its id in the inbox.
--
-- Without `source`, `payload` is an event in Throughline's own form, and whoever may call this function is believed.
-- With `source`, it is that source's delivery as it came; `headers` carry its signature, and the server verifies it.
-- The same call again changes nothing. Without `payload` it writes nothing: so one asks whether it may be called.
create or replace function throughline.accept(payload text, source text default null, headers jsonb default null)
returns text
language plpgsql security definer set search_path = '' as $accept$
declare
    accepted_id text;
begin
    if payload is null then
        return null;
    end if;
    if octet_length(payload) > 1048576 then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'payload is larger than 1 MiB', hint = 'Send less in one event.';
    end if;
    if source is null then
        if json_typeof(payload::json) <> 'object' or json_typeof(payload::json -> 'id') is distinct from 'string' then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'payload must be one JSON object with a text id',
                hint = 'The form of an event stands in docs/sources.md.';
        end if;
        accepted_id := payload::json ->> 'id';
        if octet_length(accepted_id) not between 1 and 255 then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'the id in payload must have 1 to 255 bytes';
        end if;
    else
        if source !~ '^[a-z0-9][a-z0-9_-]{0,62}$' then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'source must be the name of a source in throughline.yaml';
        end if;
        if jsonb_typeof(headers) is distinct from 'object' or octet_length(headers::text) > 16384 then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'headers must be an object of at most 16 KiB with the headers of the signature';
        end if;
        -- Not read before it is verified, so its own id is unknown here; the journal knows it later.
        accepted_id := 'delivery:' || encode(sha256(convert_to(headers::text || payload, 'UTF8')), 'hex');
    end if;
    insert into throughline.inbox as inbox (source, id, payload, headers)
    values (coalesce(accept.source, ''), accepted_id, accept.payload, accept.headers)
    on conflict do nothing;
    -- A hint to the server; it looks by itself too.
    perform pg_notify('throughline_inbox', '');
    return accepted_id;
end
$accept$;

-- A time as RFC 3339, where Postgres wrote it without a zone: that is taken as UTC. Other text stays as it is.
create or replace function throughline.as_time(value text)
returns text
language sql immutable set search_path = '' as $as_time$
    select case
        when value ~ '^\d{4}-\d\d-\d\d$' then value || 'T00:00:00Z'
        when value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?$' then replace(value, ' ', 'T') || 'Z'
        else value
    end
$as_time$;

-- A row as jsonb. A column of type json may hold escapes that jsonb refuses (U+0000, half a surrogate pair): they are
-- dropped, because the row must not be refused for them.
create or replace function throughline.as_fields(row_text text)
returns jsonb
language sql immutable set search_path = '' as $as_fields$
    select case
        when position('\u' in row_text) = 0 then row_text
        else regexp_replace(
            regexp_replace(row_text, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g'),
            '(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][[:xdigit:]]{2}\\u[dD][c-fC-F][[:xdigit:]]{2})|\\u[dD][89a-fA-F][[:xdigit:]]{2})',
            '\1\2', 'g')
    end::jsonb
$as_fields$;

-- Writes the event that a changed row means, in the transaction that changed it. Made for triggers after each row;
-- `throughline supabase attach` prints them.
--
-- The trigger's argument says `type`, `table`, the columns of the `key` and which column is which field of `data`
-- (`map`); where given, the columns of `version`, `session`, `user` and `occurred_at`, fixed fields (`set`), and which
-- fields are `text` or `time`. A row is never refused for what stands in it: whether the event is any good is the
-- server's business.
create or replace function throughline.tell()
returns trigger
language plpgsql security definer set search_path = '' set timezone = 'UTC' as $tell$
declare
    plan constant jsonb := tg_argv[0]::jsonb;
    fields constant jsonb := throughline.as_fields(
        case when tg_op = 'DELETE' then row_to_json(old)::text else row_to_json(new)::text end);
    place constant bigint := nextval('throughline.inbox_position');
    row_key text;
    event_id text;
    event jsonb;
begin
    select case when count(*) = 1 then min(fields ->> name) else jsonb_agg(fields ->> name order by n)::text end
    into row_key
    from jsonb_array_elements_text(plan -> 'key') with ordinality as keys (name, n);

    -- One version of a row is one event. Where no column says the version, each change makes one.
    event_id := concat_ws(':',
        plan ->> 'type', plan ->> 'table', row_key,
        case
            when plan ? 'version' then coalesce(fields ->> (plan ->> 'version'), 'null')
            else (extract(epoch from transaction_timestamp()) * 1000000)::bigint || '.' || place
        end,
        case when tg_op = 'DELETE' then 'deleted' end);
    if octet_length(event_id) > 255 then
        event_id := 'row:' || encode(sha256(convert_to(event_id, 'UTF8')), 'hex');
    end if;

    event := jsonb_build_object(
        'id', event_id, 'type', plan ->> 'type',
        'occurred_at', coalesce(
            throughline.as_time(fields ->> (plan ->> 'occurred_at')),
            to_char(transaction_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
        'session', fields ->> (plan ->> 'session'), 'user', fields ->> (plan ->> 'user'),
        'data', coalesce(plan -> 'set', '{}') || coalesce(
            (
                select jsonb_object_agg(
                    field,
                    case
                        when plan -> 'time' ? field then to_jsonb(throughline.as_time(fields ->> name))
                        when plan -> 'text' ? field then to_jsonb(fields ->> name)
                        else fields -> name
                    end)
                from jsonb_each_text(plan -> 'map') as mapped (field, name)
            ), '{}'));

    insert into throughline.inbox (id, position, payload) values (event_id, place, event::text) on conflict do nothing;
    perform pg_notify('throughline_inbox', '');
    return null;
end
$tell$;

-- Nobody has any right here but those named, whatever the database grants to everybody or by default.
revoke all on schema throughline from public;
revoke all on all tables in schema throughline from public;
revoke all on all sequences in schema throughline from public;
revoke all on all functions in schema throughline from public;

grant usage on schema throughline to throughline_ingest, throughline_worker, throughline_reader;
grant execute on function throughline.accept(text, text, jsonb) to throughline_ingest;
grant select, delete, update (due_at, attempts, reason) on throughline.inbox to throughline_worker;
-- What waits and why, and nothing of what was said.
grant select (source, id, position, accepted_at, due_at, attempts, reason) on throughline.inbox to throughline_reader;

-- The door for Edge Functions: the Data API calls functions of `public` alone, and this one only as the service role.
create or replace function public.throughline_accept(
    payload text, source text default null, headers jsonb default null)
returns text
language sql security definer set search_path = '' as $throughline_accept$
    select throughline.accept(payload, source, headers)
$throughline_accept$;
revoke all on function public.throughline_accept(text, text, jsonb) from public;

do $supabase$
declare
    name text;
begin
    -- Supabase grants functions of `public` to its roles by default; elsewhere these roles do not exist.
    for name in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
        execute format('revoke all on schema throughline from %I', name);
        execute format('revoke all on all tables in schema throughline from %I', name);
        execute format('revoke all on all sequences in schema throughline from %I', name);
        execute format('revoke all on all functions in schema throughline from %I', name);
        execute format('revoke all on function public.throughline_accept(text, text, jsonb) from %I', name);
        if name = 'service_role' then
            execute format('grant execute on function public.throughline_accept(text, text, jsonb) to %I', name);
        end if;
    end loop;
end
$supabase$;
