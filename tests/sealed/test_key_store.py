"""Keys of sealed values: made once, wrapped, destroyed for good; what they seal opens at its place alone."""

import base64
import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from xrm_core.errors import SettingsError
from xrm_core.sealed.box import SealedBox
from xrm_core.sealed.errors import SealedKeyDestroyed, SealedValueForeign, SealingUnavailable
from xrm_core.sealed.key_store import KeyAges, KeyStore
from xrm_core.sealed.tables import BLIND, KEY
from xrm_core.settings import load_settings

SECRET = "a key of the tests 0123456789 abcdefgh"
OTHER = "another key of the tests 9876543210 xyz"
ANNA, BEN = "anna-1", "ben-1"
AT = ("contact", "r1", "note")


@pytest.fixture
def store(database_url: str) -> Iterator[KeyStore]:
    """A key store on a database of its own, once for each kind."""
    found = KeyStore(database_url, SECRET)
    yield found
    found.close()


def test_a_sealed_value_opens_again_and_looks_otherwise_each_time(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")

    # when
    one, two = (box.seal("Lungenentzündung", ANNA, "general", *AT) for _ in range(2))

    # then
    assert one != two
    assert "Lungen" not in one
    assert base64.b64encode(b"Lungen")[:6].decode() not in one
    assert [box.open(each, *AT).text for each in (one, two)] == ["Lungenentzündung"] * 2
    assert box.open(None, *AT).text is None


@pytest.mark.parametrize(
    ("tenant", "place"),
    [
        ("acme", ("contact", "r2", "note")),
        ("acme", ("contact", "r1", "name")),
        ("acme", ("company", "r1", "note")),
        ("acme", ("contactr", "1", "note")),
    ],
)
def test_a_ciphertext_that_was_moved_does_not_open(store: KeyStore, tenant: str, place: tuple[str, str, str]) -> None:
    sealed = SealedBox(store, "acme").seal("secret", ANNA, "general", *AT)
    with pytest.raises(SealedValueForeign, match="does not belong"):
        SealedBox(store, tenant).open(sealed, *place)


def test_nor_in_another_tenant_nor_changed_nor_cut(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")
    sealed = box.seal("secret", ANNA, "general", *AT)
    head, _, content = sealed.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(content))
    raw[-1] ^= 1

    # then
    with pytest.raises(SealingUnavailable, match="does not know the key"):
        SealedBox(store, "other").open(sealed, *AT)
    for wrong in (f"{head}.{base64.urlsafe_b64encode(raw).decode()}", f"{head}.AAAA", f"{head}.", "in clear", "xs1.x"):
        with pytest.raises((SealedValueForeign, SealingUnavailable)):
            box.open(wrong, *AT)


def test_a_key_is_of_one_subject_and_class_and_stays(store: KeyStore) -> None:
    # given
    keys = [store.key("acme", subject, name) for subject in (ANNA, BEN) for name in ("marketing", "tax")]

    # then
    assert len({each.id for each in keys}) == len({each.content for each in keys}) == 4
    assert store.key("acme", ANNA, "marketing") == keys[0]
    assert store.key("other", ANNA, "marketing") != keys[0]


def test_the_store_alone_opens_nothing(store: KeyStore, database_url: str) -> None:
    # given
    key = store.key("acme", ANNA, "general")

    # when
    with store.database.read() as connection:
        wrapped = connection.scalar(select(KEY.c.wrapped))

    # then
    assert wrapped is not None
    assert key.content not in base64.b64decode(wrapped)
    other = KeyStore(database_url, OTHER)
    with pytest.raises(SealingUnavailable, match="has not the key"):
        other.key("acme", ANNA, "general")
    other.close()


@pytest.mark.invariant("I24")
def test_a_destroyed_key_opens_nothing_more_and_nobody_makes_another(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")
    marketing, tax = (box.seal("secret", ANNA, name, *AT) for name in ("marketing", "tax"))
    bens = box.seal("his", BEN, "marketing", *AT)

    # when
    assert store.destroy("acme", ANNA, ["marketing"]) == 1

    # then
    gone = box.open(marketing, *AT)
    assert (gone.text, gone.destroyed) == (None, True)
    assert box.open(tax, *AT).text == "secret"
    assert box.open(bens, *AT).text == "his"
    with pytest.raises(SealedKeyDestroyed, match="was destroyed"):
        box.seal("again", ANNA, "marketing", *AT)
    assert store.destroy("acme", ANNA, ["marketing"]) == 0


def test_all_keys_of_a_subject_also_those_to_come(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")
    sealed = [box.seal("secret", ANNA, name, *AT) for name in ("marketing", "tax")]

    # when
    assert store.destroy("acme", ANNA) == 2

    # then
    assert all(box.open(each, *AT).destroyed for each in sealed)
    for name in ("marketing", "new"):
        with pytest.raises(SealedKeyDestroyed):
            box.seal("again", ANNA, name, *AT)
    assert box.seal("fine", BEN, "new", *AT)
    assert store.destroy("acme", ANNA) == 0


def test_destroying_that_was_stopped_between_commit_and_cleaning_is_taken_up(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    box = SealedBox(store, "acme")
    sealed = box.seal("secret", ANNA, "general", *AT)
    with monkeypatch.context() as stopped:
        stopped.setattr(KeyStore, "_leave_no_trace", lambda _self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.destroy("acme", ANNA)

    # when
    assert store.destroy("acme", ANNA) == 0

    # then
    assert box.open(sealed, *AT).destroyed


@pytest.mark.invariant("I2")
def test_a_destroyed_key_is_in_no_file_of_the_store(tmp_path: Path) -> None:
    # given
    tmp_path = tmp_path / "keys"
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", SECRET)
    store.key("acme", ANNA, "general")
    assert tmp_path.stat().st_mode & 0o077 == 0
    with store.database.read() as connection:
        wrapped = connection.scalar(select(KEY.c.wrapped)) or ""
    assert any(wrapped.encode() in each.read_bytes() for each in tmp_path.iterdir())

    # when
    store.destroy("acme", ANNA)

    # then
    assert not any(wrapped.encode() in each.read_bytes() for each in tmp_path.iterdir())
    store.close()


def test_destroyed_keys_leave_no_dead_rows_on_postgresql(postgres_url: str) -> None:
    # given
    store = KeyStore(postgres_url, SECRET)
    store.key("acme", ANNA, "general")
    with store.database.read() as connection:
        before = connection.scalar(text("SELECT pg_relation_filepath('sealed_key')"))

    # when
    store.destroy("acme", ANNA)

    # then what was written before stands in a file that is not there any more
    with store.database.read() as connection:
        assert connection.scalar(text("SELECT pg_relation_filepath('sealed_key')")) != before
    store.close()


def test_keys_are_wrapped_anew_and_the_former_secret_can_go(store: KeyStore, database_url: str) -> None:
    # given
    box = SealedBox(store, "acme")
    sealed = [box.seal("secret", each, "general", *AT) for each in (ANNA, BEN)]
    store.destroy("acme", BEN)
    both = KeyStore(database_url, f"{OTHER},{SECRET}")

    # when
    planned, done, again = both.rewrap(dry_run=True), both.rewrap(), both.rewrap()

    # then
    assert (planned.anew, done.anew, again.anew, again.already) == (1, 1, 0, 1)
    new = KeyStore(database_url, OTHER)
    assert SealedBox(new, "acme").open(sealed[0], *AT).text == "secret"
    assert SealedBox(new, "acme").open(sealed[1], *AT).destroyed
    with pytest.raises(SealingUnavailable):
        box.open(sealed[0], *AT)
    both.close()
    new.close()


def test_one_key_that_nothing_unwraps_stops_all(store: KeyStore, database_url: str) -> None:
    # given
    store.key("acme", ANNA, "general")
    other = store.key("acme", BEN, "general")
    with store.database.begin() as connection:
        wrong = connection.scalar(select(KEY.c.wrapped).where(KEY.c.id != other.id))
        connection.execute(update(KEY).where(KEY.c.id == other.id).values(wrapped=wrong))
        before = set(connection.scalars(select(KEY.c.wrapped)))

    # when
    both = KeyStore(database_url, f"{OTHER},{SECRET}")
    with pytest.raises(SealingUnavailable):
        both.rewrap()

    # then
    with store.database.read() as connection:
        assert set(connection.scalars(select(KEY.c.wrapped))) == before
    both.close()


@pytest.mark.invariant("I25")
def test_a_blind_index_leaves_nobody_out_and_says_nothing_by_itself(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")
    values = {f"r{number}": f"DE{number:020}" for number in range(40)}
    for record, value in values.items():
        box.enter(value, 6, record, "general", "contact", record, "iban")

    # then
    for record, value in values.items():
        assert record in box.candidates(value, 6, "contact", "iban")
    assert not SealedBox(store, "other").candidates(values["r1"], 6, "contact", "iban")
    with store.database.read() as connection:
        kept = connection.scalars(select(BLIND.c.value)).all()
    assert all(int(each, 16) < 64 for each in kept)
    assert len(set(kept)) < 40


@pytest.mark.invariant("I25")
def test_who_is_erased_is_not_found_by_a_value(store: KeyStore) -> None:
    # given
    box = SealedBox(store, "acme")
    for subject in (ANNA, BEN):
        box.enter("DE1", 64, subject, "general", "contact", f"of {subject}", "iban")

    # when
    store.destroy("acme", ANNA)

    # then
    assert box.candidates("DE1", 64, "contact", "iban") == [f"of {BEN}"]


def test_it_says_how_many_keys_there_are_and_since_when(store: KeyStore) -> None:
    assert store.ages("acme") == KeyAges()
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    for subject, class_name in ((ANNA, "marketing"), (ANNA, "care"), (BEN, "care")):
        store.key("acme", subject, class_name)
    store.key("other", ANNA, "care")
    store.destroy("acme", ANNA)

    found = store.ages("acme")

    assert (found.keys, found.destroyed) == (1, 2)
    assert found.oldest is not None
    assert before <= found.oldest <= dt.datetime.now(dt.UTC)


def test_without_a_secret_or_a_store_nothing_is_sealed(tmp_path: Path) -> None:
    for url, secret, names in (
        (f"sqlite:///{tmp_path / 'keys.db'}", "", "XRM_SECRET_KEY"),
        ("", SECRET, "XRM_KEY_STORE_URL"),
    ):
        with pytest.raises(SealingUnavailable) as refused:
            SealedBox(KeyStore(url, secret)).seal("secret", ANNA, "general", *AT)
        assert names in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_keys_lie_beside_the_data_but_not_in_it(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).key_store_url == f"sqlite:///{tmp_path}/keys/sealed.db"
    assert load_settings(database_url="postgresql://localhost/xrm").key_store_url == ""
    with pytest.raises(SettingsError, match="XRM_KEY_STORE_URL is the database of the data"):
        load_settings(database_url="postgresql://localhost/xrm", key_store_url="postgresql://localhost/xrm")


def test_many_at_once_make_one_key(store: KeyStore, database_url: str) -> None:
    # given
    stores = [store, *(KeyStore(database_url, SECRET) for _ in range(3))]
    assert all(each.database for each in stores)

    # when
    with ThreadPoolExecutor(len(stores)) as pool:
        found = set(pool.map(lambda each: each.key("acme", ANNA, "general"), stores))

    # then
    assert len(found) == 1
    with store.database.read() as connection:
        assert len(connection.execute(select(KEY)).all()) == 1
    for each in stores[1:]:
        each.close()
