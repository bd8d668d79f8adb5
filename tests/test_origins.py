from __future__ import annotations

import pytest

from jackfield.origins import normal


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.COM:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:08080", "http://localhost:8080"),
        ("https://a:80", "https://a:80"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://пример.рф:8443", "https://xn--e1afmkfd.xn--p1ai:8443"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("file://", "file://"),
        ("app://.", "app://."),
        ("moz-extension://2C127fa4", "moz-extension://2C127fa4"),
        ("https://*.preview.example.com", "https://*.preview.example.com"),
        ("HTTPS://*.Example.com:443", "https://*.example.com"),
        ("http://*.dev.localhost:3000", "http://*.dev.localhost:3000"),
        ("https://*.пример.рф", "https://*.xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_origins_take_the_form_that_browsers_send(written: str, sent: str) -> None:
    assert normal(written) == sent


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("null", "names nobody"),
        ("app.example.com", "scheme"),
        ("https://", "scheme"),
        ("https://a.example/", "no path"),
        ("file:///", "no path"),
        ("file:///home", "no path"),
        ("https://a.example/x", "no path"),
        ("https://a.example?x", "no path"),
        ("https://me@a.example", "no login"),
        ("wss://a.example", "https://a.example"),
        ("https://a.example:0", "no port"),
        ("https://a.example:99999", "no port"),
        ("https://a.example.", "no origin"),
        ("https://a b", "no origin"),
        ("https://a..b", "no origin"),
        ("https://a-.example", "no origin"),  # no browser names a host so
        ("https://a.example:", "no origin"),
        ("https://straße.example", "xn--"),
        ("https://a..я", "xn--"),
        ("https://a\n", "no origin"),
        ("*", "`origins: any`"),
        ("https://*", "`origins: any`"),
        ("https://*:8443", "`origins: any`"),
        ("*://app.example.com", "`origins: any`"),
        ("https://*.com", "of two parts at least"),
        ("https://*.com:8443", "of two parts at least"),
        ("https://*.рф", "of two parts at least"),
        ("https://*.0.0.1", "of two parts at least"),
        ("https://app-*.example.com", "one whole label"),
        ("https://app.*.example.com", "one whole label"),
        ("https://*.*.example.com", "one whole label"),
        ("https://**.example.com", "one whole label"),
        ("https://*example.com", "one whole label"),
        ("http://localhost:*", "write it out"),
        ("https://*.example.com:*", "write it out"),
        ("https://*.example.com/", "no path"),
        ("https://*.example.com.", "no origin"),
        ("https://*..example.com", "no origin"),
        ("wss://*.example.com", "address of a page"),
    ],
)
def test_what_is_no_origin_is_reported_in_a_sentence(written: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        normal(written)
    assert words in str(caught.value)
