-- What the inbox function takes and what it refuses.
begin;
set local search_path = public, extensions;
select plan(19);

select is(throughline.accept(null), null, 'nothing given, nothing written');
select is_empty('select from throughline.inbox', 'so one can ask whether it may be called');

select is(throughline.accept('{"id": "e1", "type": "chat_started", "session": "s"}'), 'e1', 'an event answers with its id');
select is(throughline.accept('{"id": "e1", "type": "chat_started", "session": "s"}'), 'e1', 'and again the same');
select is((select count(*) from throughline.inbox), 1::bigint, 'which is one row');
select is((select payload from throughline.inbox), '{"id": "e1", "type": "chat_started", "session": "s"}', 'kept as it came');

select lives_ok(
    $$select throughline.accept('{ "id":"evt_1" }', 'stripe', '{"stripe-signature": "t=1,v1=00"}')$$,
    'a signed delivery is taken unread');
select lives_ok(
    $$select throughline.accept('{ "id":"evt_1" }', 'stripe', '{"stripe-signature": "t=1,v1=00"}')$$, 'and again');
select is((select count(*) from throughline.inbox where source = 'stripe'), 1::bigint, 'which is one row too');
select lives_ok(
    $$select throughline.accept('{ "id":"evt_1" }', 'stripe', '{"stripe-signature": "t=2,v1=00"}')$$,
    'signed anew it is another delivery');
select is((select count(*) from throughline.inbox where source = 'stripe'), 2::bigint, 'for the journal to tell apart');
select lives_ok(
    $$select throughline.accept('not even JSON \u0000', 'stripe', '{"stripe-signature": "t=1,v1=00"}')$$,
    'what a signed delivery says is not this function''s business');

select throws_ok($$select throughline.accept('[1]')$$, '22023', null, 'an event is one object');
select throws_ok($$select throughline.accept('{"id": 1}')$$, '22023', null, 'with a text id');
select throws_ok($$select throughline.accept('{"id": ""}')$$, '22023', null, 'that is not empty');
select throws_ok($$select throughline.accept('{"id": ')$$, '22P02', null, 'and it is JSON');
select throws_ok(
    $$select throughline.accept(json_build_object('id', 'big', 'data', repeat('x', 1048576))::text)$$, '22023', null,
    'of at most 1 MiB');
select throws_ok($$select throughline.accept('{}', 'No Source', '{}')$$, '22023', null, 'a source has a name');
select throws_ok($$select throughline.accept('{}', 'stripe')$$, '22023', null, 'and a delivery its signature');

select * from finish();
rollback;
