import pytest

from device.exchange.house_network import is_of_house

HOUSE = "10.1.2.3 192.168.0.1 172.16.0.1 172.31.9.9 127.0.0.1 169.254.1.1 ::1 fe80::1%eth0 FD00::1 ::ffff:10.0.0.1"


@pytest.mark.parametrize("address", HOUSE.split())
def test_the_house(address: str) -> None:
    assert is_of_house(address)


@pytest.mark.parametrize(
    "address", ["172.32.0.1", "172.15.0.1", "192.169.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"]
)
def test_the_rest_of_the_world(address: str) -> None:
    assert not is_of_house(address)
