"""Two SQL queries on one database: whether they find the same, whatever either of them tries."""

import sqlite3
import time
from typing import Any

import pytest

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, Sandbox


@pytest.fixture(scope="module")
def database() -> bytes:
    with sqlite3.connect(":memory:") as made:
        made.executescript("""
            create table shop (id integer primary key, name text, price real, kind text, photo blob);
            insert into shop values (1, 'tea', 2.5, 'drink', x'00ff'), (2, 'cake', 3.1, 'food', null),
                (3, 'pie', 3.1, 'food', null), (4, null, null, null, null);
            create view cheap as select * from shop where price < 3;
            create table long (n integer);
        """)
        made.executemany("insert into long values (?)", [(n,) for n in range(12_000)])
        made.commit()
        return made.serialize()


def compare(
    sandbox: Sandbox, database: bytes, wanted: str, found: str, wall_s: float = 20.0, **more: Any
) -> Answer:
    request = {"wanted": wanted, "found": found, **more}
    return sandbox.run("query", request, attachment=database, limits=Limits(wall_s=wall_s))


SAME = [
    ("select name from shop", "select name from shop order by id desc"),
    ("select id, name from shop where kind = 'food'", "select id as a, name as b from shop where price > 3"),
    ("select count(*) from shop", "select 4"),
    ("select 1", "select 1.0"),
    ("select 123456789012", "select 123456789012.0"),
    ("select sum(price) from shop", "select 3.1 + 3.1 + 2.5"),
    ("select 0.1 + 0.2", "select 0.3"),
    ("select 100000000000.1 + 0.2", "select 100000000000.3"),
    ("select 12345678901.5", "select 12345678901.4"),
    ("select 12345678901.5, 'x' union all select 1, null", "select 1.0, null union all select 12345678901.4, 'x'"),
    ("select 1.0000000005000001", "select 1.00000000049999"),
    ("select null", "select max(price) from shop where id > 99"),
    ("select name from shop where id > 99", "select kind from shop where id > 98"),
    ("select photo from shop where id = 1", "select x'00FF'"),
    ("with recursive n(x) as (select 1 union all select x + 1 from n where x < 5) select x from n", "values (5), (4), (3), (2), (1)"),
    ("select name from cheap", "select 'tea'"),
    ("select 'ä'", "select char(228)"),
    ("select 1 ;", "select 1 -- ; drop table shop"),
    ("select max(id) over () from shop", "select 4 from shop"),
    ("select json_extract('{\"a\": 3}', '$.a')", "select 3"),
]  # fmt: skip
DIFFERENT = [
    ("select 1", "select '1'", "missing: (1); not wanted: ('1')"),
    ("select 12345678901", "select 12345678902.0", "missing: (12345678901); not wanted: (12345678902.0)"),
    ("select 12345678901", "select 12345678902", "missing: (12345678901); not wanted: (12345678902)"),
    ("select 'it''s'", "select 1", "missing: ('it''s')"),
    ("select 1", "select 2", "missing: (1); not wanted: (2)"),
    ("select kind from shop", "select distinct kind from shop", "it finds 3 rows, the target's query 4 rows; missing: ('food')"),
    ("select id, name from shop", "select name, id from shop", "missing: (1, 'tea'); not wanted: ('tea', 1)"),
    ("select id, name from shop", "select id from shop", "it finds 1 columns, the target's query 2"),
    ("select null", "select ''", "missing: (NULL)"),
    ("select 'a'", "select 'A'", "missing: ('a'); not wanted: ('A')"),
    ("select 'a'", "select 'a '", "missing: ('a'); not wanted: ('a ')"),
    ("select 'a'", "select x'61'", "missing: ('a')"),
    ("select 1", "select printf('%1000000000d', 1)", "not wanted"),
    ("select 9e999", "select -9e999", "missing: (inf); not wanted: (-inf)"),
    ("select 1.0001", "select 1.0002", "missing: (1.0001)"),
    ("select 12345678901", "select 12345678902", "missing: (12345678901)"),
    ("select 1", "select 1 where 0", "it finds 0 rows, the target's query 1 row; missing: (1)"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found"), SAME)
def test_the_same_rows_are_the_same(wanted: str, found: str, any_sandbox: Sandbox, database: bytes) -> None:
    answer = compare(any_sandbox, database, wanted, found)
    assert isinstance(answer.value, list), answer
    assert answer.value[0] == "same", answer


@pytest.mark.parametrize(("wanted", "found", "said"), DIFFERENT)
def test_other_rows_are_different(
    wanted: str, found: str, said: str, any_sandbox: Sandbox, database: bytes
) -> None:
    answer = compare(any_sandbox, database, wanted, found)
    assert isinstance(answer.value, list), answer
    assert answer.value[0] == "different"
    assert said in answer.value[1]


def test_order_counts_where_it_is_asked_for(any_sandbox: Sandbox, database: bytes) -> None:
    up, down = "select id, 1 from shop order by id", "select id, 1.0 from shop order by id desc"
    assert compare(any_sandbox, database, up, up, ordered=True).value == ["same", "both find 4 rows"]
    assert compare(any_sandbox, database, "select id, 1 from shop", down).value == [
        "same",
        "both find 4 rows",
    ]
    assert compare(any_sandbox, database, up, down).value[0] == "different", "the target sorts"  # type: ignore[index]
    answer = compare(any_sandbox, database, up, down, ordered=True)
    assert answer.value == ["different", "it finds the same rows in another order"]
    assert compare(any_sandbox, database, "select 1", "select '1'", ordered=True).value[0] == "different"  # type: ignore[index]


HOSTILE = [
    ("insert into shop (id) values (9)", "it may only read"),
    ("update shop set price = 0", "it may only read"),
    ("delete from shop", "it may only read"),
    ("drop table shop", "it may only read"),
    ("create table t (a)", "it may only read"),
    ("create temp table t (a)", "it may only read"),
    ("alter table shop rename to other", "it may only read"),
    ("replace into shop (id) values (1)", "it may only read"),
    ("insert into shop (id) values (9) returning id", "it may only read"),
    ("pragma query_only = off", "it may only read"),
    ("pragma writable_schema = on", "it may only read"),
    ("pragma table_info(shop)", "it may only read"),
    ("select * from pragma_database_list", ""),
    ("attach '/etc/passwd' as p", ""),
    ("attach ':memory:' as p", ""),
    ("attach 'file:/tmp/x?mode=rwc' as p", ""),
    ("detach main", ""),
    ("vacuum into '/tmp/whetstone-copy'", ""),
    ("begin", ""),
    ("savepoint a", ""),
    ("reindex", ""),
    ("analyze", ""),
    ("select load_extension('libm.so.6')", ""),
    ("select fts3_tokenizer('simple')", ""),
    ("select readfile('/etc/passwd')", ""),
    ("select writefile('/tmp/x', 'y')", ""),
    ("select edit('x')", ""),
    ("create virtual table v using fts5(a)", ""),
    ("create trigger t after insert on shop begin select 1; end", ""),
    ("select 1; select 2", ""),
    ("select 1; drop table shop", ""),
    ("select * from nowhere", "no such table: nowhere"),
    ("select", "incomplete input"),
    ("", "it is no query that finds rows"),
    ("-- nothing", "it is no query that finds rows"),
    ("select '\0'", ""),
    ("select '\ud800'", ""),
    ("select cast(x'ff' as text)", ""),
    ("select n from long", "it finds more than 10,000 rows"),
    ("select zeroblob(1000000000)", ""),
    ("select hex(zeroblob(100000000))", ""),
    ("select group_concat(hex(zeroblob(100000)), '') from long", ""),
    ("select abs(-9223372036854775808)", "integer overflow"),
    ("select " + "(" * 5_000 + "1" + ")" * 5_000, ""),
    ("select " + " + ".join(["1"] * 5_000), ""),
    ("select " + ", ".join(["1"] * 5_000), ""),
    ("with recursive n(x) as (select 1 union all select x from n) select count(*) from n", "50,000,000 steps"),
    ("select count(*) from long a, long b, long c", "50,000,000 steps"),
    ("with recursive n(x) as (select 'x' union all select x || x from n) select x from n", ""),
    ("select zeroblob(5000000), a.n from long a", ""),
]  # fmt: skip


@pytest.mark.parametrize(("found", "said"), HOSTILE)
def test_what_does_more_than_read_fails_and_that_is_different(
    found: str, said: str, any_sandbox: Sandbox, database: bytes
) -> None:
    answer = compare(any_sandbox, database, "select count(*) from shop", found)
    assert isinstance(answer.value, list), answer
    assert answer.value[0] == "different"
    assert answer.value[1].startswith("the query fails: "), answer.value
    assert said in answer.value[1]


def test_a_target_that_fails_is_an_error(any_sandbox: Sandbox, database: bytes) -> None:
    answer = compare(any_sandbox, database, "select * from nowhere", "select 1")
    assert answer == Answer(error="The target's query fails: no such table: nowhere")


@pytest.mark.parametrize("broken", [b"no database", b"SQLite format 3\0" + bytes(84), b"x" * 5_000])
def test_what_is_no_database_is_an_error(broken: bytes, any_sandbox: Sandbox) -> None:
    answer = compare(any_sandbox, broken, "select 1", "select 1")
    assert answer.error is not None
    assert answer.error.startswith("The database cannot be read: "), answer
    assert any_sandbox.run("tables", {}, attachment=broken).error == answer.error


def test_the_tables_of_a_database_are_told(any_sandbox: Sandbox, database: bytes) -> None:
    assert any_sandbox.run("tables", {}, attachment=database).value == ["cheap", "long", "shop"]


def test_a_damaged_database_costs_its_request_only(any_sandbox: Sandbox, database: bytes) -> None:
    """Bits that are wrong anywhere: an error, a difference or the same; and the next request is answered."""
    for at in range(0, len(database), len(database) // 40):
        damaged = database[:at] + b"\xff" * 64 + database[at + 64 :]
        compare(any_sandbox, damaged, "select * from shop", "select n from long limit 5")
    assert compare(any_sandbox, database, "select 1", "select 1").value == ["same", "both find 1 row"]


def test_a_view_can_do_no_more_than_a_query(any_sandbox: Sandbox) -> None:
    """The database is a file that somebody uploaded."""
    with sqlite3.connect(":memory:") as made:
        made.executescript("""
            create table t (a);
            insert into t values (1);
            create view bomb as with recursive n(x) as (select 1 union all select x from n) select count(*) from n;
            create trigger w after insert on t begin delete from t; end;
        """)
        made.commit()
        content = made.serialize()
    answer = compare(any_sandbox, content, "select a from t", "select * from bomb")
    assert answer.value == ["different", "the query fails: it was stopped after 50,000,000 steps"]
    assert "only read" in str(
        compare(any_sandbox, content, "select a from t", "insert into t values (2)").value
    )


def test_a_database_of_20_mib_arrives_whole(any_sandbox: Sandbox) -> None:
    with sqlite3.connect(":memory:") as made:
        made.execute("create table t (a blob)")
        made.executemany("insert into t values (?)", [(bytes([n]) * (1 << 20),) for n in range(20)])
        made.commit()
        content = made.serialize()
    begun = time.monotonic()
    answer = compare(any_sandbox, content, "select sum(length(a)) from t", f"select {20 << 20}")
    assert len(content) > 20 << 20
    assert answer.value == ["same", "both find 1 row"]
    assert time.monotonic() - begun < 5
