"""Addresses of one's own network are not handed to whoever fetches for a caller."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import Malformed
from geminid.dialects.openai.chat.history.links import check_link

NASTY = [
    # loopback, in the spellings that one reader or another takes
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/v1beta/models",
    "https://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://0177.0000.0000.0001/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://127.0.0.0x1/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "http://127\u30020\u30020\u30021/",
    "http://127\u20240\u20240\u20241/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://0/",
    "http://0x/",
    "http://1.2.3.4.5/",
    "http://256.256.256.256/",
    "http://4294967297/",
    # private, link-local, shared, reserved
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://010.8.8.8/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.1.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    # what clouds tell a machine about itself
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://100.100.100.200/latest/",
    "http://192.0.0.192/opc/v2/",
    "http://168.63.129.16/",
    "http://metadata/computeMetadata/v1/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.GOOGLE.INTERNAL./",
    "http://[fd00:ec2::254]/",
    # IPv6, and IPv4 inside it
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::ffff:0:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2001:db8::1]/",
    "http://[2606:4700::5efe:10.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[2606:4700::1111%25eth0]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[2606:4700::1111]127.0.0.1/",
    "http://127.0.0.1[2606:4700::1111]/",
    "http://[::1/",
    # names
    "http://localhost/",
    "http://LOCALHOST:80/",
    "http://localhost./",
    "http://foo.localhost/",
    "http://localhost.localdomain/",
    "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",
    "http://local\u00adhost/",
    "http://\u24dbocalhost/",
    "http://printer.local/",
    "http://vault.internal/",
    "http://redis/",
    "http://api.default.svc/",
    "http://api.default.svc.cluster.local/",
    "http://router.home.arpa/",
    "http://127.0.0.1.nip.io/",
    "http://localtest.me/",
    # two hosts in one
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://user:pass@example.com/",
    "http://example.com%40127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/",
    "http://exam ple.com/",
    "http://exam\nple.com/",
    "http://127.0.0.1\t.example.com/",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1%2f.example.com/",
    "http://127.0.0.1&.example.com/",
    # none at all
    "http://",
    "http:///etc/passwd",
    "http:127.0.0.1",
    "http:/127.0.0.1",
    "http://:80/",
    "http://./",
    "http://../",
    "http://example..com/",
    "http://example.com../",
    "http://example.com:99999/",
    "http://example.com:0/",
    "http://example.com:a/",
    f"http://{'a' * 70}.\u00e9.com/",
    f"http://{'a.' * 200}com/",
]

PUBLIC = [
    "https://example.com/cat.png",
    "https://example.com./cat.png",
    "http://example.com:8080/cat.png?size=1&x=127.0.0.1#localhost",
    "https://EXAMPLE.com",
    "https://upload.wikimedia.org/wikipedia/commons/a/a%20b.jpg",
    "https://my_bucket.s3.amazonaws.com/x",
    "https://bücher.example.com/ü.png",
    "https://8.8.8.8/x.png",
    "https://172.32.0.1/",
    "https://[2606:4700::1111]/x.png",
    "https://[2606:4700::1111]:8443/x.png",
    "https://[64:ff9b::8.8.8.8]/",
    "https://localhost.example.com/",
    "https://internal.example.com/",
    "https://notlocaltest.me/",
    "https://0x7f.example.com/",
]


@pytest.mark.parametrize("url", NASTY)
def test_an_address_that_is_not_public_is_refused(url: str) -> None:
    """However it is written; the place is named."""
    with pytest.raises(Malformed) as caught:
        check_link(url, "messages[0].content[1].image_url.url")

    assert caught.value.violations[0].field == "messages[0].content[1].image_url.url"
    assert "data URL" in caught.value.detail or "user name" in caught.value.detail


@pytest.mark.parametrize("url", PUBLIC)
def test_a_public_address_passes(url: str) -> None:
    """Also with what only looks like a private one."""
    check_link(url, "x")


@given(st.integers(0, (1 << 32) - 1), st.sampled_from(["", ".", "/", ":80"]))
def test_only_four_plain_numbers_name_an_ipv4_host(bits: int, ending: str) -> None:
    """One number, hexadecimal and octal ones do not, whatever they stand for."""
    octets = bits.to_bytes(4, "big")
    spellings = [
        str(bits),
        hex(bits),
        f"0{bits:o}",
        ".".join(f"0{octet:o}" for octet in octets),
        ".".join(map(hex, octets)),
        f"{octets[0]}.{bits & 0xFFFFFF}",
    ]

    for spelling in spellings:
        with pytest.raises(Malformed):
            check_link(f"http://{spelling}{ending}", "x")


@given(st.text(max_size=40))
def test_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    """Whatever stands where a host should."""
    for url in (
        f"http://{text}",
        f"https://{text}/x",
        f"https://[{text}]/",
        f"http://a.{text}.com",
    ):
        with suppress(Malformed):
            check_link(url, "x")
