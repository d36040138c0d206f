"""File checkpoints: what is saved comes back, damage is noticed, and nothing escapes the folder."""

from __future__ import annotations

import json
import logging
import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience import (
    CheckpointDamagedError,
    CheckpointManager,
    CheckpointRefusedError,
    FatalError,
)

OLD, NEW = {"last_row": 10_000}, {"last_row": 20_000, "note": "§ ünï"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder that is not there yet."""
    return tmp_path / "state" / "checkpoints"


@pytest.fixture
def manager(folder):
    """A manager that keeps its checkpoints there."""
    return CheckpointManager(folder)


def test_what_was_saved_is_one_plain_json_file(manager, folder):
    """The file holds the caller's state and nothing else."""
    manager.save_checkpoint("ingest", NEW)

    assert json.loads((folder / "ingest.json").read_text()) == NEW
    assert [path.name for path in folder.glob("*.json")] == ["ingest.json"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(state=st.dictionaries(st.text(), json_values, max_size=5))
def test_every_json_state_comes_back_equal(manager, state):
    """Whatever JSON can say survives the round trip, types included."""
    manager.save_checkpoint("ingest", state)

    loaded = manager.load_checkpoint("ingest")

    assert repr(state) == repr(loaded) or state == loaded


def test_an_unknown_operation_has_no_checkpoint(manager):
    """No file is no checkpoint, and deleting it is no error."""
    manager.delete_checkpoint("ingest")

    assert None is manager.load_checkpoint("ingest")


def test_delete_leaves_nothing(manager, folder):
    """After a delete there is no file of the operation left."""
    manager.save_checkpoint("ingest", OLD)
    manager.save_checkpoint("ingest", NEW)

    manager.delete_checkpoint("ingest")

    assert list(folder.iterdir()) == []
    assert None is manager.load_checkpoint("ingest")


def test_the_default_folder_is_checkpoints_here(tmp_path, monkeypatch):
    """Without an argument the folder is ./checkpoints, and a later chdir does not move it."""
    monkeypatch.chdir(tmp_path)
    manager = CheckpointManager()
    monkeypatch.chdir("/")

    manager.save_checkpoint("ingest", OLD)

    assert json.loads((tmp_path / "checkpoints" / "ingest.json").read_text()) == OLD


def test_files_are_for_their_owner_alone(manager, folder):
    """The folder is 0700 and every file 0600, whatever the umask."""
    manager.save_checkpoint("ingest", OLD)
    manager.save_checkpoint("ingest", NEW)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_only_the_last_two_are_kept(manager, folder):
    """However often is saved, the folder does not grow."""
    for row in range(20):
        manager.save_checkpoint("ingest", {"last_row": row})

    assert len(list(folder.iterdir())) == 4  # the file, two copies, the lease


@pytest.mark.parametrize(
    "operation_id",
    [
        "", " ", ".", "..", "../up", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\nb", "\u202egpj", "\ud800",
        "x" * 201, "ü" * 101, ".hidden", None, 7, b"ingest",
    ],
)  # fmt: skip
def test_an_id_that_could_leave_the_folder_is_refused(manager, folder, operation_id):
    """The error names the id, and nothing is written or read."""
    for act in (
        lambda: manager.save_checkpoint(operation_id, OLD),
        lambda: manager.load_checkpoint(operation_id),
        lambda: manager.delete_checkpoint(operation_id),
    ):
        with pytest.raises(CheckpointRefusedError) as caught:
            act()
        assert repr(operation_id) in str(caught.value)
        assert isinstance(caught.value, FatalError)
        assert isinstance(caught.value, ValueError)
    assert list(folder.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(operation_id=st.text(max_size=30))
def test_no_id_reaches_outside_the_folder(manager, folder, operation_id):
    """Any text is either refused or names files right inside the folder."""
    before = sorted(folder.parent.iterdir())
    try:
        manager.save_checkpoint(operation_id, OLD)
    except CheckpointRefusedError:
        assert not list(folder.iterdir())
    else:
        assert manager.load_checkpoint(operation_id) == OLD
        assert all(path.name.startswith(f"{operation_id}.json") for path in folder.iterdir())
        manager.delete_checkpoint(operation_id)
    assert before == sorted(folder.parent.iterdir())


@pytest.mark.parametrize(("one", "other"), [("Ingest", "ingest"), ("caf\u00e9", "cafe\u0301"), ("ß", "SS")])
def test_ids_that_some_file_systems_confuse_are_refused(manager, one, other):
    """Two ids that differ only in case or in how an accent is written do not live side by side."""
    manager.save_checkpoint(one, OLD)

    with pytest.raises(CheckpointRefusedError, match="differs only in case or accents"):
        manager.save_checkpoint(other, NEW)
    assert None is manager.load_checkpoint(other)
    assert manager.load_checkpoint(one) == OLD


circular: list[object] = []
circular.append(circular)


@pytest.mark.parametrize(
    "state",
    [
        [1], "text", None, {1: "key"}, {"deep": [{2: 3}]}, {"a": object()}, {"a": float("nan")},
        {"a": float("inf")}, {"a": b"bytes"}, {"a": {1, 2}}, {"a": circular},
    ],
)  # fmt: skip
def test_a_state_that_json_cannot_keep_is_refused_before_anything_is_touched(manager, folder, state):
    """The old checkpoint stays, and there is no trace of the new one."""
    manager.save_checkpoint("ingest", OLD)
    before = sorted(folder.iterdir())

    with pytest.raises(CheckpointRefusedError, match="'ingest'"):
        manager.save_checkpoint("ingest", state)

    assert before == sorted(folder.iterdir())
    assert manager.load_checkpoint("ingest") == OLD


def corrupt(path, how):
    """Damage a file in place, as a disk would."""
    data = path.read_bytes()
    with path.open("r+b") as stream:
        if how == "truncated":
            stream.truncate(len(data) // 2)
        elif how == "empty":
            stream.truncate(0)
        elif how == "zeros":
            stream.write(b"\0" * len(data))
        else:
            stream.write(b'{"last_row": 99}')


DAMAGES = ("truncated", "empty", "zeros", "other valid JSON")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(manager, folder, how, caplog):
    """The last good state is used, and that is said at ERROR and to the listeners."""
    events = []
    manager.save_checkpoint("ingest", OLD)
    manager.save_checkpoint("ingest", NEW)
    corrupt(folder / "ingest.json", how)

    assert CheckpointManager(folder).load_checkpoint("ingest") == OLD
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert CheckpointManager(folder, listeners=(events.append,)).load_checkpoint("ingest") == OLD
    assert [(event.operation, event.version_used) for event in events] == [("ingest", 1)]


@pytest.mark.parametrize("how", DAMAGES)
def test_without_a_good_one_damage_is_an_error(manager, folder, how):
    """A damaged only checkpoint is never taken for "no checkpoint"."""
    manager.save_checkpoint("ingest", OLD)
    corrupt(folder / "ingest.json", how)

    with pytest.raises(CheckpointDamagedError, match=r"ingest\.json.*delete_checkpoint"):
        manager.load_checkpoint("ingest")


def test_any_flipped_bit_in_any_file_is_noticed(manager, folder, caplog):
    """Whichever bit flips, the loaded state is never a wrong one, and a flip in what is used is logged."""
    manager.save_checkpoint("ingest", OLD)
    manager.save_checkpoint("ingest", NEW)
    for path in sorted(folder.glob("ingest.json*")):
        data = path.read_bytes()
        for position in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[position // 8] ^= 1 << (position % 8)
            path.write_bytes(flipped)
            caplog.clear()
            loaded = CheckpointManager(folder).load_checkpoint("ingest")
            noticed = any(record.levelno == logging.ERROR for record in caplog.records)
            assert (loaded, noticed) in ((OLD, True), (NEW, False))
            assert (loaded == NEW) == path.name.endswith((".lease", *copies_of(folder, 1)))
            path.write_bytes(data)


def copies_of(folder, version):
    """Return the names of the copies of one version."""
    return tuple(path.name for path in folder.glob(f"ingest.json.{version}.*"))


def test_after_damage_the_last_good_one_outlives_the_next_save(manager, folder):
    """Saving over a damaged checkpoint keeps the good one before it, not the damaged one."""
    for state in (OLD, NEW):
        manager.save_checkpoint("ingest", state)
    corrupt(folder / "ingest.json", "zeros")
    manager.load_checkpoint("ingest")
    manager.save_checkpoint("ingest", NEW)
    corrupt(folder / "ingest.json", "zeros")

    assert manager.load_checkpoint("ingest") == OLD


def test_a_file_that_was_put_there_by_hand_is_taken_with_a_warning(manager, folder, caplog):
    """A plain JSON file without copies, as other code writes it, is a checkpoint; and can be saved over."""
    (folder / "ingest.json").write_text(json.dumps(OLD))

    assert manager.load_checkpoint("ingest") == OLD
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    manager.save_checkpoint("ingest", NEW)
    assert CheckpointManager(folder).load_checkpoint("ingest") == NEW


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00"])
def test_a_file_that_was_put_there_by_hand_must_be_a_json_object(manager, folder, text):
    """Anything else is damage, not "no checkpoint"."""
    (folder / "ingest.json").write_text(text)

    with pytest.raises(CheckpointDamagedError, match="no JSON object"):
        manager.load_checkpoint("ingest")


def test_a_lost_file_is_not_a_fresh_start(manager, folder):
    """When the file is gone and its copies are not, somebody has to decide."""
    manager.save_checkpoint("ingest", OLD)
    (folder / "ingest.json").unlink()

    with pytest.raises(CheckpointDamagedError, match="the file is gone, and copies of it are here"):
        manager.load_checkpoint("ingest")
    manager.delete_checkpoint("ingest")
    assert None is manager.load_checkpoint("ingest")


def test_a_link_to_elsewhere_is_not_followed(manager, folder, tmp_path):
    """A symbolic link in the folder neither shows a file outside of it nor writes to one."""
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(OLD))
    (folder / "ingest.json").symlink_to(outside)

    with pytest.raises(FatalError):
        manager.load_checkpoint("ingest")
    manager.save_checkpoint("ingest", NEW)
    assert json.loads(outside.read_text()) == OLD


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    """A file in the way is named at once, not after the first batch."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(FatalError, match=r"taken.*cannot be made"):
        CheckpointManager(tmp_path / "taken")


def test_a_file_system_without_hard_links_is_good_enough(manager, folder, monkeypatch):
    """Where names cannot be linked, the copy is a file of its own, and damage is still noticed."""

    def refuse(*_arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    manager.save_checkpoint("ingest", OLD)
    corrupt(folder / "ingest.json", "zeros")

    assert manager.load_checkpoint("ingest") == OLD
