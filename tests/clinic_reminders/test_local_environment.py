import socket
import stat

import pytest

from clinic_reminders.local.address import Address, AddressRefused
from clinic_reminders.local.environment import ensure_secret_key, settings_for

EVERYWHERE = "0.0.0.0"  # noqa: S104


def address(**environment):
    return Address.from_environment(environment)


def test_a_secret_key_is_written_once(tmp_path):
    env_file = tmp_path / ".env"
    assert ensure_secret_key(env_file, {})
    written = env_file.read_text()
    assert not ensure_secret_key(env_file, {})
    assert env_file.read_text() == written
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600


def test_what_the_env_file_holds_is_kept(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("# ours\nSMS_PROVIDERS=console\nSECRET_KEY=\nTIME_ZONE=Africa/Maputo")
    ensure_secret_key(env_file, {})
    lines = env_file.read_text().splitlines()
    assert {"# ours", "SMS_PROVIDERS=console", "TIME_ZONE=Africa/Maputo"} <= set(lines)
    assert [line for line in lines if line.startswith("SECRET_KEY=")] == [lines[-1]]
    assert len(lines[-1]) > 50


@pytest.mark.parametrize("line", ["SECRET_KEY=given", "SECRET_KEY = 'given'", "export SECRET_KEY=given"])
def test_a_secret_key_that_is_there_is_left_alone(tmp_path, line):
    env_file = tmp_path / ".env"
    env_file.write_text(line)
    assert not ensure_secret_key(env_file, {})
    assert env_file.read_text() == line


def test_the_environments_own_secret_key_is_enough(tmp_path):
    assert not ensure_secret_key(tmp_path / ".env", {"SECRET_KEY": "given"})
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "::1", "[::1]"])
def test_debug_is_on_where_nobody_else_can_reach_the_site(host):
    assert settings_for(address(HOST=host), {"DEBUG": "off"})["DEBUG"] == "on"


@pytest.mark.parametrize("host", [EVERYWHERE, "192.0.2.7"])
def test_debug_is_off_where_others_can_reach_the_site(host):
    assert settings_for(address(HOST=host), {"DEBUG": "on"})["DEBUG"] == "off"


@pytest.mark.parametrize("host", ["127.0.0.1", EVERYWHERE, "192.0.2.7"])
def test_no_host_is_a_wildcard(host):
    hosts = settings_for(address(HOST=host), {"ALLOWED_HOSTS": "*,clinic.example"})["ALLOWED_HOSTS"]
    assert "*" not in hosts
    assert "clinic.example" in hosts.split(",")


def test_a_given_host_is_allowed():
    assert "192.0.2.7" in settings_for(address(HOST="192.0.2.7"), {})["ALLOWED_HOSTS"].split(",")


def test_a_port_in_use_is_refused_with_another_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressRefused, match=f"Port {port} is in use. .*make run PORT="):
            address(PORT=str(port)).refuse_if_taken()


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(AddressRefused, match="no address of this machine"):
        address(HOST="192.0.2.7").refuse_if_taken()


@pytest.mark.parametrize("port", ["0", "65536", "http", "8000 ", "-1"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(AddressRefused, match="PORT"):
        address(PORT=port)
