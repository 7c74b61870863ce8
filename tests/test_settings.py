import base64
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import BadSetting
from mulle.settings import MailServer, Settings, env_example, variable_names

HOME = {"HOME": "/home/물레"}


def test_an_empty_environment_gives_the_defaults():
    settings = Settings.from_environ(HOME)

    assert settings.home == Path("/home/물레/.mulle")
    assert settings.outbox_folder == Path("/home/물레/.mulle/outbox")
    assert (settings.sandbox, settings.timezone, settings.allow_hosts) == ("auto", "Asia/Seoul", frozenset())
    assert settings.mail_server is None


def test_an_empty_variable_counts_as_unset():
    assert Settings.from_environ({**HOME, "MULLE_TIMEZONE": " ", "MULLE_HOME": ""}) == Settings.from_environ(HOME)


def test_mulle_home_wins_and_may_begin_with_the_home_folder():
    assert Settings.from_environ({**HOME, "MULLE_HOME": "/data/mulle"}).home == Path("/data/mulle")
    assert Settings.from_environ({**HOME, "MULLE_HOME": "~/일터"}).home == Path("/home/물레/일터")


def test_what_the_owner_decided_is_read():
    settings = Settings.from_environ(
        {
            **HOME,
            "MULLE_DATABASE_URL": "postgresql://mulle@localhost/mulle",
            "MULLE_SANDBOX": "unsafe",
            "MULLE_PROXY": "http://proxy:3128/",
            "MULLE_MODEL_BASE_URL": "http://localhost:11434/v1/",
            "MULLE_TIMEZONE": "Europe/Berlin",
            "MULLE_OUTBOX": "~/보낼 편지",
        }
    )

    assert settings.database_url == "postgresql://mulle@localhost/mulle"
    assert (settings.sandbox, settings.timezone) == ("unsafe", "Europe/Berlin")
    assert (settings.proxy, settings.model_base_url) == ("http://proxy:3128", "http://localhost:11434/v1")
    assert settings.outbox_folder == Path("/home/물레/보낼 편지")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://smtp.example.com", MailServer("smtp.example.com", 25)),
        ("smtp://me:p%40ss@smtp.example.com", MailServer("smtp.example.com", 587, "me", "p@ss")),
        ("smtps://me%40naver.com:x@smtp.naver.com", MailServer("smtp.naver.com", 465, "me@naver.com", "x", "always")),
        ("smtp://localhost:2525?tls=off", MailServer("localhost", 2525, tls="off")),
        ("smtp://[::1]:2525", MailServer("::1", 2525)),
    ],
)
def test_a_mail_server_is_read_from_one_address(url: str, server: MailServer):
    assert Settings.from_environ({**HOME, "MULLE_SMTP_URL": url}).mail_server == server


def test_allowed_hosts_are_parted_by_commas_or_spaces():
    settings = Settings.from_environ({**HOME, "MULLE_ALLOW_HOSTS": "localhost:8080, [::1]:90\n사내.한국:443,"})

    assert settings.allow_hosts == {"localhost:8080", "[::1]:90", "사내.한국:443"}


def test_a_master_key_is_read_in_any_usual_spelling():
    key = bytes(range(224, 256))
    spellings = [base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode(), key.hex()]

    assert {Settings.from_environ({**HOME, "MULLE_MASTER_KEY": text}).master_key for text in spellings} == {key}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MULLE_HOME", "relative/folder"),
        ("MULLE_HOME", "/nul\0"),
        ("MULLE_DATABASE_URL", "mysql://x"),
        ("MULLE_SANDBOX", "off"),
        ("MULLE_ALLOW_HOSTS", "localhost"),
        ("MULLE_ALLOW_HOSTS", "localhost:web"),
        ("MULLE_ALLOW_HOSTS", "localhost:70000"),
        ("MULLE_ALLOW_HOSTS", "::1:80"),
        ("MULLE_ALLOW_HOSTS", "http://localhost:80"),
        ("MULLE_PROXY", "socks5://x:1"),
        ("MULLE_MODEL", "a\nb"),
        ("MULLE_MODEL_BASE_URL", "localhost:11434"),
        ("MULLE_SMTP_URL", "smtp.example.com:25"),
        ("MULLE_SMTP_URL", "smtp://h:0"),
        ("MULLE_SMTP_URL", "smtp://h:1?tls=maybe"),
        ("MULLE_SMTP_URL", "smtps://h:1?tls=off"),
        ("MULLE_MAIL_FROM", "nobody"),
        ("MULLE_MASTER_KEY", "short"),
        ("MULLE_TIMEZONE", "서울"),
        ("MULLE_TIMEZONE", "../../etc/passwd"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_variable(variable: str, value: str):
    with pytest.raises(BadSetting, match=variable) as caught:
        Settings.from_environ({**HOME, variable: value})

    assert caught.value.at == variable
    assert variable in caught.value.advice


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MULLE_SMTP_URL", "smtp://me:hunter/2hunter@host"),
        ("MULLE_SMTP_URL", "smtp://me:hunter2@host:hunter"),
        ("MULLE_MASTER_KEY", "hunter"),
        ("MULLE_DATABASE_URL", "hunter"),
    ],
)
def test_the_error_about_a_secret_does_not_tell_it(variable: str, value: str):
    with pytest.raises(BadSetting) as caught:
        Settings.from_environ({**HOME, variable: value})

    assert "hunter" not in str(caught.value.to_dict())


@given(st.sampled_from(sorted(variable_names())), st.text(max_size=60))
def test_any_text_in_any_variable_is_read_or_refused_by_name(variable: str, value: str):
    named = ""
    try:
        Settings.from_environ({**HOME, variable: value})
    except BadSetting as error:
        named = error.at

    assert named in {"", variable}


def test_secrets_do_not_show_in_the_representation():
    settings = Settings.from_environ(
        {
            **HOME,
            "MULLE_SMTP_URL": "smtp://me:hunter2@host",
            "MULLE_DATABASE_URL": "postgresql://me:hunter2@host/db",
            "OPENAI_API_KEY": "hunter2",
            "NAVER_CLIENT_SECRET": "hunter2",
            "KMA_SERVICE_KEY": "hunter2",
            "KAKAO_REST_KEY": "hunter2",
        }
    )

    assert "hunter2" not in repr(settings) + repr(settings.mail_server)
    assert set(settings.secrets().values()) == {"hunter2"}


def test_the_home_folder_is_made_for_its_owner_alone(tmp_path: Path):
    home = Settings.from_environ({"MULLE_HOME": str(tmp_path / "새" / "home")}).make_home()

    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_is_a_setup_error(tmp_path: Path):
    (tmp_path / "file").touch()
    settings = replace(Settings.from_environ(HOME), home=tmp_path / "file" / "home")

    with pytest.raises(BadSetting, match="MULLE_HOME"):
        settings.make_home()


def test_the_example_file_shows_exactly_what_is_read():
    written = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")

    assert written == env_example(), "run: python -c 'from mulle.settings import *; print(env_example(), end=\"\")'"
    assert all(f"#{name}=" in written for name in variable_names())
