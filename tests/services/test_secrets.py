import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mulle.errors import MulleError, SecretMissing, SecretsDamaged, SecretUnusable, StoreError, WrongMasterKey
from mulle.services.secrets import Secrets, secret_name

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


def test_a_secret_is_there_again_after_a_restart(tmp_path: Path):
    Secrets(tmp_path).set("네이버_키", "비밀 값")

    assert Secrets(tmp_path).get("네이버_키") == "비밀 값"


def test_setting_again_replaces(tmp_path: Path):
    secrets = Secrets(tmp_path, KEY)
    secrets.set("A", "first")

    secrets.set("A", "second")

    assert secrets.get("A") == "second"


def test_names_are_one_however_hangul_was_typed(tmp_path: Path):
    secrets = Secrets(tmp_path, KEY)
    secrets.set("\u1102\u1166", "value")  # 네, in letters

    assert secrets.get("네") == "value"
    assert list(secrets.list()) == ["네"]


def test_the_list_has_names_and_times_but_no_values(tmp_path: Path):
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    secrets = Secrets(tmp_path, KEY, now=lambda: noon)
    secrets.set("B", "hunter2")
    secrets.set("A", "hunter2")

    assert secrets.list() == {"A": noon, "B": noon}


def test_what_was_removed_is_missing(tmp_path: Path):
    secrets = Secrets(tmp_path, KEY)
    secrets.set("A", "value")

    secrets.remove("A")

    for ask in (secrets.get, secrets.remove):
        with pytest.raises(SecretMissing, match="'A'"):
            ask("A")


def test_the_file_shows_nothing_and_is_for_its_owner_alone(tmp_path: Path):
    secrets = Secrets(tmp_path)
    secrets.set("A", "hunter2")

    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert all(b"hunter2" not in path.read_bytes() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "hunter2" not in repr(secrets) + repr(vars(secrets))


def test_another_key_is_named_and_cannot_add_to_the_file(tmp_path: Path):
    Secrets(tmp_path, KEY).set("A", "value")
    stranger = Secrets(tmp_path, OTHER_KEY)

    for action in (lambda: stranger.get("A"), lambda: stranger.set("B", "value"), stranger.redactor):
        with pytest.raises(WrongMasterKey, match="MULLE_MASTER_KEY"):
            action()
    assert list(Secrets(tmp_path, KEY).list()) == ["A"]


def test_a_lost_key_file_is_an_error_and_is_not_made_anew(tmp_path: Path):
    Secrets(tmp_path).set("A", "value")
    key = (tmp_path / "master.key").read_bytes()
    (tmp_path / "master.key").unlink()

    with pytest.raises(WrongMasterKey, match="gone"):
        Secrets(tmp_path).get("A")
    with pytest.raises(WrongMasterKey, match="gone"):
        Secrets(tmp_path).set("B", "value")
    (tmp_path / "master.key").write_bytes(key)

    assert Secrets(tmp_path).get("A") == "value"


@pytest.mark.parametrize("content", [b"short", b"", base64.b64encode(bytes(31)), "가".encode()])
def test_a_key_file_without_a_key_is_an_error(tmp_path: Path, content: bytes):
    Secrets(tmp_path).set("A", "value")
    (tmp_path / "master.key").write_bytes(content)

    with pytest.raises(WrongMasterKey, match=r"master\.key"):
        Secrets(tmp_path).get("A")


def test_a_sealed_value_does_not_open_under_another_name(tmp_path: Path):
    Secrets(tmp_path, KEY).set("A", "value")
    content = json.loads((tmp_path / "secrets.json").read_text())
    content["secrets"]["B"] = content["secrets"]["A"]
    (tmp_path / "secrets.json").write_text(json.dumps(content))

    with pytest.raises(WrongMasterKey):
        Secrets(tmp_path, KEY).get("B")


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"version": 2}', '{"secrets": {"A": {"value": "!", "stored": ""}}}']
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, damage: str):
    (tmp_path / "secrets.json").write_text(damage)

    with pytest.raises(SecretsDamaged, match=r"secrets\.json"):
        Secrets(tmp_path, KEY).get("A")


def test_a_home_that_is_no_folder_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="cannot be written"):
        Secrets(tmp_path / "file" / "home", KEY).set("A", "value")


@pytest.mark.parametrize("name", ["", " ", "a b", "1a", "a-b", "a.b", "a\nb", "\0the master key", "a" * 101, "../a"])
def test_a_name_that_nothing_could_refer_to_is_refused(name: str):
    with pytest.raises(SecretUnusable):
        secret_name(name)


@pytest.mark.parametrize("value", ["", "가" * 30000])
def test_an_empty_or_huge_value_is_refused(tmp_path: Path, value: str):
    with pytest.raises(SecretUnusable) as caught:
        Secrets(tmp_path, KEY).set("A", value)

    assert len(str(caught.value.to_dict())) < 1000


def test_first_secrets_stored_at_once_all_survive(tmp_path: Path):
    def store(number: int) -> None:
        Secrets(tmp_path).set(f"S{number}", f"value {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, range(8)))

    assert {name: Secrets(tmp_path).get(name) for name in Secrets(tmp_path).list()} == {
        f"S{n}": f"value {n}" for n in range(8)
    }


def test_the_redactor_knows_everything_stored(tmp_path: Path):
    secrets = Secrets(tmp_path, KEY)
    assert secrets.redactor().text("hunter22") == "hunter22"

    secrets.set("A", "hunter22")

    assert secrets.redactor().text("hunter22") == "[secret A]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.text(min_size=1, max_size=50))
def test_any_text_comes_back_as_it_was(tmp_path: Path, value: str):
    secrets = Secrets(tmp_path, KEY)
    secrets.set("A", value)

    assert secrets.get("A") == value


def test_no_error_tells_the_value(tmp_path: Path):
    secrets = Secrets(tmp_path, KEY)
    secrets.set("A", "hunter2")

    with pytest.raises(MulleError) as caught:
        Secrets(tmp_path, OTHER_KEY).get("A")

    assert "hunter2" not in str(caught.value.to_dict()) + repr(caught.value)
