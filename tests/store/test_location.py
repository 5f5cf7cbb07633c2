"""Where a database is, said without the password that reaches it."""

import pytest
from sqlalchemy.exc import DBAPIError

from firetower.core.errors import FiretowerError, InvalidInput
from firetower.store.database import Database, explain
from firetower.store.doctor import examine
from firetower.store.location import Location
from firetower.store.store import Store, utc_now

NOWHERE = "postgresql://ada:q1w2e3@127.0.0.1:1/tower"
WITH_PASSWORD = [
    NOWHERE,
    f"{NOWHERE}?password=q1w2e3&sslpassword=q1w2e3",
    f"{NOWHERE}?password=q1w2e3&password=other-q1w2e3",
    f"{NOWHERE}?PassWord=q1w2e3",
    f"{NOWHERE}?password=q1%772e3&passfile=/home/ada/.pgpass",
    f"{NOWHERE}?scram_client_key=q1w2e3&oauth_client_secret=q1w2e3",
    f"{NOWHERE}?port=no&password=q1w2e3",
    "postgresql://ada:p@q1w2e3@127.0.0.1:1/tower",
    "postgresql:/ada:q1w2e3@127.0.0.1/tower",
    "host=127.0.0.1 port=1 password=q1w2e3",
    "mysql://ada:q1w2e3@127.0.0.1/tower?password=q1w2e3",
]


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_no_error_has_a_password_in_it(url: str) -> None:
    with pytest.raises(FiretowerError) as raised:
        Store.open(url)
    assert "q1w2e3" not in raised.value.text


def test_location_keeps_all_but_the_passwords() -> None:
    url = f"{NOWHERE}?password=q1w2e3&passfile=/x&sslmode=require"
    location = Location.of(url)
    shown = NOWHERE.replace("q1w2e3", "***").replace("postgresql", "postgresql+psycopg")
    assert str(location) == f"{shown}?passfile=%2Fx&password=***&sslmode=require"
    assert location.url.query["password"] == "q1w2e3"
    for check in examine(url, utc_now()):
        assert "q1w2e3" not in check.said + check.hint


def test_words_of_the_driver_are_masked() -> None:
    location = Location.of("postgresql://ada@h/tower?password=q1w2e3")
    said = explain(DBAPIError(None, None, Exception('bad "q1w2e3"')), location)
    assert said.message.endswith('failed: bad "***"')


def test_ports_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InvalidInput, match="port"):
        Database(Location.of(f"{NOWHERE}?host=a:1,b:2&port=1,2,3"))
