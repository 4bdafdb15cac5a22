"""What the bot keeps: across kills, versions and disks that fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.access import Invitations, Supergroups
from bot.state import FILE, MIGRATIONS, AnswerLog, State
from bot.telegram import inbox as inboxes
from bot.telegram.inbox import MAX_TRIES, Inbox
from index.errors import StorageError


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with closing(State(tmp_path / FILE)) as opened:
        yield opened


def updates(*numbers: int) -> list[dict[str, Any]]:
    return [{"update_id": number, "message": {"text": "\ud83d è"}} for number in numbers]


def test_each_update_is_dealt_with_once(state: State) -> None:
    inbox = Inbox(state, 7, Supergroups(state))
    inbox.keep(updates(1, 2))
    assert inbox.begin(1) and not inbox.begin(1)
    inbox.end(1)
    inbox.keep(updates(1, 2, 3))
    assert not inbox.begin(1)
    assert inbox.waiting() == updates(2, 3)


def test_what_was_begun_is_begun_again_after_a_restart_but_not_for_ever(state: State) -> None:
    Inbox(state, 7, Supergroups(state)).keep(updates(1))
    begun = [Inbox(state, 7, Supergroups(state)).begin(1) for _ in range(MAX_TRIES + 1)]
    assert begun == [True] * MAX_TRIES + [False]
    assert Inbox(state, 7, Supergroups(state)).waiting() == []


def test_what_people_wrote_goes_when_it_is_dealt_with(state: State, tmp_path: Path) -> None:
    inbox = Inbox(state, 7, Supergroups(state))
    inbox.keep(updates(1))
    inbox.begin(1)
    inbox.end(1)
    assert state.select("SELECT update_id, body FROM inbox") == [(1, None)]
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_numbers_are_forgotten_after_days(state: State) -> None:
    inbox = Inbox(state, 7, Supergroups(state))
    inbox.keep(updates(1, 2))
    inbox.begin(1)
    inbox.end(1)
    with state.changing() as database:
        database.execute("UPDATE inbox SET arrived = arrived - ?", (inboxes.KEPT + 1,))
    inbox.keep(updates(3))
    assert [u["update_id"] for u in inbox.waiting()] == [2, 3]
    assert state.select("SELECT count(*) FROM inbox") == [(2,)]


def test_two_bots_have_numbers_of_their_own(state: State) -> None:
    one, other = Inbox(state, 7, Supergroups(state)), Inbox(state, 8, Supergroups(state))
    one.keep(updates(1))
    one.begin(1)
    one.end(1)
    other.keep(updates(1))
    assert other.begin(1)


def test_a_change_is_made_whole_or_not_at_all(state: State) -> None:
    with pytest.raises(StorageError), state.changing() as database:
        database.execute("INSERT INTO inbox VALUES (7, 1, '{}', 0, 0)")
        database.execute("INSERT INTO nowhere VALUES (1)")
    assert Inbox(state, 7, Supergroups(state)).waiting() == []


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    State(tmp_path / FILE).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StorageError, match="later version"):
        State(tmp_path / FILE)


def test_a_file_of_the_version_before_keeps_its_rows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.executescript("".join(MIGRATIONS[:3]) + "PRAGMA user_version = 3;")
        database.execute("INSERT INTO given VALUES (7, 1, 2, 3, '[4, 5]', 'q', '{}', 'g', 9)")
        database.execute("INSERT INTO guests VALUES (3, 9)")
        database.commit()
    for _ in range(2):  # the second time there is nothing to migrate
        with closing(State(tmp_path / FILE)) as state:
            assert state.select("PRAGMA user_version") == [(len(MIGRATIONS),)]
            assert AnswerLog(state, 7).replies((1, 2)) == [4, 5]
            assert Invitations(state).has(3) and not Invitations(state).has(4)
    with closing(State(tmp_path / FILE)) as state:
        AnswerLog(state, 7).forget(3)
        assert AnswerLog(state, 7).replies((1, 2)) is None and not Invitations(state).has(3)


def test_a_file_that_is_none_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, whatever it is called" * 100)
    with pytest.raises(StorageError, match=r"bot\.sqlite cannot be used .* move it away"):
        State(tmp_path / FILE)
