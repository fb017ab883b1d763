from ipaddress import ip_network

import pytest
from django.test import RequestFactory

from common.client_address import TrustedProxyMiddleware, client_address, counted_address


def asked(peer="10.0.0.5", forwarded=None, **meta):
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return RequestFactory().get("/", REMOTE_ADDR=peer, **meta)


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24"), ip_network("2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.9", None, "192.0.2.9"),
        ("192.0.2.9", "198.51.100.7", "192.0.2.9"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5", "198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("10.0.0.5", "10.0.0.8,10.0.0.9", "10.0.0.8"),
        ("10.0.0.5", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.5", "[2001:db8:2::7]:4711", "2001:db8:2::7"),
        ("10.0.0.5", "2001:db8:2::7", "2001:db8:2::7"),
        ("10.0.0.5", "198.51.100.7, rubbish", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("2001:db8:1::1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.5", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", "198.51.100.7"),
        ("", None, "0.0.0.0"),
    ],
)
def test_an_address_is_the_last_that_no_trusted_proxy_has(peer, forwarded, found):
    assert client_address(asked(peer, forwarded)) == found


def test_without_proxies_nobody_says_whose_request_it_is(settings):
    settings.TRUSTED_PROXIES = []
    assert client_address(asked("10.0.0.5", "198.51.100.7")) == "10.0.0.5"
    assert client_address(asked("", "198.51.100.7")) == "0.0.0.0"


@pytest.mark.parametrize(
    ("address", "counted"),
    [("192.0.2.9", "192.0.2.9"), ("2001:db8:2:3:4:5:6:7", "2001:db8:2:3::"), ("fe80::1%eth0", "fe80::")],
)
def test_a_network_that_one_household_has_counts_as_one(address, counted):
    assert counted_address(asked(address)) == counted


@pytest.mark.parametrize(("peer", "secure"), [("10.0.0.5", True), ("192.0.2.9", False)])
def test_only_a_trusted_proxy_knows_that_a_request_came_by_https(peer, secure):
    seen = []
    TrustedProxyMiddleware(lambda request: seen.append(request.is_secure()))(
        asked(peer, HTTP_X_FORWARDED_PROTO="https")
    )
    assert seen == [secure]
