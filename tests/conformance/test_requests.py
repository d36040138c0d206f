"""The API's answers, byte for byte, to good and to bad requests: real Toxiproxy is the reference."""

from __future__ import annotations

import re
from typing import Any

import pytest

P = "/proxies"
T = "/proxies/p/toxics"
ONE = f"{T}/i"


def creating(*bodies: object) -> list[tuple[str, str, object]]:
    """Create proxies of those bodies."""
    return [("POST", P, body) for body in bodies]


def listening(*addresses: str) -> list[tuple[str, str, object]]:
    """Create proxies that listen there."""
    return [("POST", P, {"name": f"on {a}", "upstream": "x", "listen": a}) for a in addresses]


def adding(*bodies: object) -> list[tuple[str, str, object]]:
    """Add toxics of those bodies."""
    return [("POST", T, body) for body in bodies]


def changing(path: str, *bodies: object) -> list[tuple[str, str, object]]:
    """Change what is there by those bodies."""
    return [("PATCH", path, body) for body in bodies]


def populating(*bodies: object) -> list[tuple[str, str, object]]:
    """Bring those lists about."""
    return [("POST", "/populate", body) for body in bodies]


REQUESTS: list[tuple[str, str, object]] = [
    ("GET", "/version", None),
    ("GET", P, None),
    ("HEAD", P, None),
    ("HEAD", "/version", None),
    ("OPTIONS", P, None),
    ("PUT", P, None),
    ("DELETE", P, None),
    ("GET", "/", None),
    ("GET", "/proxies/", None),
    ("GET", "//proxies", None),
    ("GET", "/proxies/../version?a=b", None),
    ("GET", "/proxies/./", None),
    ("GET", "/metrics", None),
    ("GET", "/reset", None),
    ("GET", "/populate", None),
    ("GET", "/proxies?x=1", None),
    # Bodies that are not JSON, or not a proxy.
    *creating(
        "", "  ", "\n", "{", "[]", "null", "1", '"x"', "{}", "nope", "tru", "true", "[1", "[1 2]", "[1,]"
    ),
    *creating('{"name"', '{"name":', '{"name":1}', '{"name":"a"', '{"name":"a",}', '{"name":"a"}', "{1:2}"),
    *creating('{"name":"a","upstream":""}', '{"name":"a","upstream":5}', '{"name":null,"upstream":"x"}'),
    *creating('{"name":"a","upstream":"x","enabled":"yes"}', '{"name":"a","upstream":"x","enabled":1}'),
    *creating('{"name":"a","upstream":"x","listen":{}}', '{"name":"a","upstream":"x","listen":[1]}'),
    *creating('{"name":["a"],"upstream":"x"}', '{"name":"a","upstream":"x","Logger":5}', "{'name':1}"),
    *creating(
        '{"name":"a\x01"}', '{"name":"a" "b"}', '{"a":1 1}', '{"a"}', '{"name":"\\x"}', '{"name":"\\u12"}'
    ),
    *creating(
        "-",
        "-a",
        "01",
        "1.",
        "1.x",
        "1e",
        "1e+x",
        "+1",
        "\x00",
        "\x7f",
        "\\",
        "'",
        b"\xc3\xa9",
        b"\xff",
        b"\xad",
    ),
    *creating('{"a":tru}', '{"a":nul}', '{"a":fals}', '{"a":nan}'),
    # Proxies.
    *creating('{"name":"n1","upstream":"x","listen":"127.0.0.1:0"} trailing'),
    *creating('{"NAME":"n2","Upstream":"x","LISTEN":"127.0.0.1:0","other":1,"Logger":{}}'),
    *creating({"name": "p", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0"}),
    *creating({"name": "p", "upstream": "x"}, {"name": "", "upstream": ""}),
    *creating({"name": "off", "upstream": "x", "enabled": False}),
    *creating({"name": "off2", "upstream": "x", "enabled": False, "listen": "garbage"}),
    *changing("/proxies/off2", {"enabled": True}),
    ("GET", "/proxies/off2", None),
    *changing("/proxies/off", {"enabled": True, "listen": "127.0.0.1:0"}),
    *creating({"name": "sp ace é<&>\u2028", "upstream": "x", "listen": "127.0.0.1:0"}),
    ("GET", "/proxies/sp%20ace%20%C3%A9%3C&%3E%E2%80%A8", None),
    ("GET", "/proxies/sp+ace", None),
    ("GET", "/proxies/nope", None),
    ("DELETE", "/proxies/nope", None),
    ("PATCH", "/proxies/nope", "bad"),
    ("GET", "/proxies/p", None),
    *listening("127.0.0.1", "foo", "localhost", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:abc", "a:b:c"),
    *listening("[::1", "[::1]", "::1:80", "[::1]x:1", "[::1]:1:2", "a]:1", "a[:1", "256.0.0.1:1"),
    *listening(
        "8.8.8.8:0", "1.2.3.4:80", "localhost:0", "[::1]:0", "127.0.0.1:", "[127.0.0.1]:0", "127.0.0.1:00"
    ),
    *listening(":0", ":", "0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "[::ffff:127.0.0.1]:0", "[0:0::1]:0"),
    *listening("127.1:0", "127.000.000.001:0", "0:0", "*:0", "2130706433:0", "-a:0", "127.0.0.1.:0", "a b:0"),
    *changing("/proxies/on%20localhost:0", '{"listen":"127.1:0"}', '{"listen":"[::]:0"}'),
    # Toxics.
    *adding(
        "", "[]", "null", "{}", '{"type":5}', '{"type":"nope"}', '{"type":"Latency"}', '{"type":1,"name":2}'
    ),
    *adding(
        '{"type":"latency","stream":"side"}',
        '{"type":"latency","stream":""}',
        '{"type":"latency","stream":5}',
    ),
    *adding('{"type":"latency","attributes":5}', '{"type":"latency","attributes":"x"}'),
    *adding('{"type":"latency","attributes":[]}', '{"type":"latency","attributes":null,"name":"c"}'),
    *adding(
        '{"type":"latency","stream":null}', '{"type":"latency"}', '{"type":"latency","stream":"UPSTREAM"}'
    ),
    *adding('{"type":"latency","attributes":{"latency":"5"},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":1.5},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":1.0},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":1e3},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":true},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":[]},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":9223372036854775808},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":9223372036854775807},"name":"d"}'),
    *adding('{"type":"latency","attributes":{"latency":null},"name":"h"}'),
    *adding('{"type":"latency","attributes":{"LATENCY":7,"Jitter":3,"nope":1},"name":"i"}'),
    *adding('{"type":"latency","attributes":{"latency":-5},"name":"j"}'),
    *adding('{"TYPE":"latency","NAME":"k","Stream":"UPSTREAM","Toxicity":0.3}'),
    *adding('{"type":"latency","name":"two","attributes":{"latency":5},"attributes":{"jitter":6}}'),
    *adding('{"type":"latency","name":"z"}]', '{"type":"latency"} junk', '{"type":"nope","stream":"x"}'),
    *adding('{"type":"latency","name":"i","attributes":{"latency":"x"}}', '{"type":"nope","name":"i"}'),
    *adding(
        '{"type":"latency","stream":"x","attributes":{"latency":"x"}}', '{"type":"noop","attributes":{"x":1}}'
    ),
    *adding('{"type":"noop","name":"n","toxicity":2}', '{"type":"noop","name":"n1","toxicity":-1}'),
    *adding(
        '{"type":"noop","name":"n2","toxicity":"1"}', '{"type":"noop","name":"n3","toxicity":0.123456789}'
    ),
    *adding('{"type":"noop","name":"n4","toxicity":1e-9}', '{"type":"noop","name":"n5","toxicity":1e400}'),
    *adding('{"type":"noop","name":"n6","toxicity":1e39}', '{"type":"noop","name":"n7","toxicity":null}'),
    *adding('{"type":"noop","name":"n8","toxicity":0}', '{"type":"noop","name":"n9","toxicity":1e21}'),
    *adding('{"type":"noop","name":"<b>&\\u2028\u00e9\\ud800\\u0001\\t\\ud83d\\ude00","toxicity":0.1}'),
    *adding('{"type":"noop","name":"a/b"}', '{"type":"noop","name":".."}'),
    *adding('{"type":"slicer","attributes":{"average_size":"x"}}', '{"type":"slicer","name":"s"}'),
    *adding('{"type":"slicer","name":"s2","attributes":{"average_size":5,"size_variation":9,"delay":-3}}'),
    *adding('{"type":"slicer","name":"s3","attributes":{"average_size":5,"size_variation":2,"delay":10}}'),
    *adding(
        '{"type":"bandwidth","attributes":{"rate":"x"}}', '{"type":"bandwidth","attributes":{"rate":-1}}'
    ),
    *adding('{"type":"bandwidth","name":"bw","attributes":{"rate":92233720368547759}}'),
    *adding('{"type":"latency","name":"jj","attributes":{"jitter":4611686018427387905}}'),
    *adding(
        '{"type":"limit_data","attributes":{"bytes":"x"}}', '{"type":"limit_data","attributes":{"bytes":-1}}'
    ),
    *adding(
        '{"type":"slow_close","attributes":{"delay":"x"}}', '{"type":"slow_close","attributes":{"delay":1}}'
    ),
    *adding(
        '{"type":"timeout","attributes":{"timeout":"x"}}', '{"type":"timeout","attributes":{"timeout":0}}'
    ),
    *adding(
        '{"type":"reset_peer","attributes":{"timeout":"x"}}', '{"type":"reset_peer","stream":"Upstream"}'
    ),
    *changing(ONE, "", "[]", "null", "{}", "5", '{"attributes":5}', '{"attributes":{"latency":"x"}}'),
    *changing(
        ONE, '{"toxicity":"x"}', '{"toxicity":1}', '{"attributes":{"jitter":4}}', '{"attributes":null}'
    ),
    *changing(
        ONE, '{"attributes":{"latency":1.5}}', '{"name":"q","type":"noop","stream":"upstream","toxicity":0.5}'
    ),
    *changing(ONE, '{"toxicity":5}', '{"toxicity":-5}', '{"attributes":{"jitter":4611686018427387905}}'),
    ("POST", ONE, "{}"),
    ("GET", ONE, None),
    ("GET", T, None),
    ("PUT", ONE, "{}"),
    ("GET", f"{T}/", None),
    ("GET", f"{T}/nope", None),
    ("PATCH", f"{T}/nope", "bad"),
    ("DELETE", f"{T}/nope", None),
    ("DELETE", ONE, None),
    ("DELETE", ONE, None),
    ("GET", "/proxies/q/toxics", None),
    ("POST", "/proxies/q/toxics", "bad"),
    ("GET", "/proxies/q/toxics/x", None),
    ("GET", f"{T}/a%2Fb", None),
    # Changes of proxies.
    *changing(
        "/proxies/n1", "", "[]", "5", '{"enabled":"x"}', '{"listen":5}', '{"upstream":5}', "null", "{}"
    ),
    *changing("/proxies/n1", '{"name":"zzz"}', '{"enabled":false}', '{"enabled":null}', '{"enabled":true}'),
    *changing(
        "/proxies/n1", '{"upstream":"y"}', '{"upstream":""}', '{"toxics":[]}', '{"listen":"localhost:0"}'
    ),
    *changing(
        "/proxies/n1", '{"listen":"foo"}', '{"listen":"127.0.0.1:99999"}', '{"listen":"127.0.0.1:abc"}'
    ),
    *changing("/proxies/n1", '{"listen":"8.8.8.8:0"}'),
    ("GET", "/proxies/n1", None),
    ("POST", "/proxies/n1", '{"listen":"127.0.0.1:0","enabled":true}'),
    ("POST", "/reset", None),
    ("DELETE", "/proxies/off2", None),
    ("POST", "/reset", "junk"),
    ("GET", f"{T}?after=reset", None),
    # Lists.
    *populating("", "{}", "null", "[]", "5", "[{}]", "[5]", '[{"name":"x"}]', "[1,", "[] junk"),
    *populating('[{"name":"x","upstream":"u"},{"upstream":"q"}]', '[{"name":"x","upstream":"u"},null]'),
    *populating('[{"name":"x","upstream":5}]', '[{"name":"x","upstream":"u","enabled":"q"}]'),
    *populating('[{"name":"x","upstream":"u","listen":"garbage"}]'),
    *populating('[{"name":"x","upstream":"u","listen":"127.0.0.1:0","enabled":false}]'),
    *populating('[{"name":"x","upstream":"u","listen":"127.0.0.1:0","enabled":true}]'),
    *populating('[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":[{"type":"latency"}]}]'),
    *populating('[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":5}]'),
    *populating('[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":null}]'),
    *populating(
        '[{"name":"x1","upstream":"u","listen":"127.0.0.1:0"},{"name":"x2","upstream":"u","listen":"8.8.8.8:1"},'
        '{"name":"x3","upstream":"u"}]'
    ),
    *populating(
        '[{"name":"y","upstream":"u","listen":"127.0.0.1:0"},{"name":"y","upstream":"v","listen":"127.0.0.1:0"}]'
    ),
    ("GET", "/proxies/x2", None),
    *creating({"name": "a/b", "upstream": "x", "listen": "127.0.0.1:0"}),
    ("GET", "/proxies/a%2Fb", None),
    *creating({"name": "..", "upstream": "x", "listen": "127.0.0.1:0"}),
    ("DELETE", "/proxies/p", None),
    ("GET", "/proxies/p", None),
]


def transcript(engine: Any) -> list[str]:
    """Ask everything in order; write each reply down without what differs from run to run."""
    return [plain(engine.call(method, path, body)) for method, path, body in REQUESTS]


def plain(reply: Any) -> str:
    """Write a reply down: sorted headers, ports by the order in which they appear."""
    headers = {name: value for name, value in reply.headers.items() if name not in UNSTABLE}
    if "x-toxiproxy-request-id" in headers:
        headers["x-toxiproxy-request-id"] = re.sub("^[0-9a-v]{20}$", "ID", headers["x-toxiproxy-request-id"])
    body = re.sub(r'("listen":"[^"]*:)[1-9]\d*"', r'\1PORT"', reply.body.decode())
    return f"{reply.status} {sorted(headers.items())} {body}"


UNSTABLE = ("date", "content-length", "transfer-encoding")


BUG = "Toxiproxy accepts a value that makes no sense"
PATH = "Toxiproxy accepts a name that no path can hold, so that it can never be deleted"
STATE = "shows the difference that an earlier request made"
POPULATE = "Toxiproxy ignores `toxics`, and `enabled` of a proxy that it keeps"
DIFFERENT = {
    '{"type":"noop","name":"n","toxicity":2}': BUG,
    '{"type":"noop","name":"n1","toxicity":-1}': BUG,
    '{"type":"noop","name":"n9","toxicity":1e21}': BUG,
    '{"toxicity":5}': BUG,
    '{"toxicity":-5}': BUG,
    '{"type":"slicer","name":"s"}': "data crashes Toxiproxy with it",
    '{"type":"slicer","name":"s2","attributes":{"average_size":5,"size_variation":9,"delay":-3}}': "the same",
    '{"type":"bandwidth","attributes":{"rate":-1}}': "data crashes Toxiproxy with it",
    '{"type":"bandwidth","name":"bw","attributes":{"rate":92233720368547759}}': "the same",
    '{"type":"latency","name":"jj","attributes":{"jitter":4611686018427387905}}': "the same",
    '{"attributes":{"jitter":4611686018427387905}}': "the same",
    '{"type":"noop","name":"a/b"}': PATH,
    '{"type":"noop","name":".."}': PATH,
    "POST /proxies a/b": PATH,
    "POST /proxies ..": PATH,
    "POST /proxies/p/toxics/i {}": STATE,
    "GET /proxies/p/toxics/i": STATE,
    "GET /proxies/p/toxics": STATE,
    "GET /proxies/n1": "Toxiproxy applies half of a change that fails",
    '[{"name":"x","upstream":"u","listen":"127.0.0.1:0","enabled":true}]': POPULATE,
    '[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":[{"type":"latency"}]}]': POPULATE,
    '[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":5}]': POPULATE,
    '[{"name":"x","upstream":"u","listen":"127.0.0.1:0","toxics":null}]': STATE,
    '[{"name":"y","upstream":"u","listen":"127.0.0.1:0"},{"name":"y","upstream":"v","listen":"127.0.0.1:0"}]': (
        "a proxy that is replaced stays the same one, with another server"
    ),
}
"""Where strict answers otherwise on purpose, by the body or by verb and path, and why."""


def key(request: tuple[str, str, object]) -> str:
    """Find a request in the list of differences."""
    method, path, body = request
    if isinstance(body, dict):
        return f"{method} {path} {body.get('name')}"
    if body is None or body == "{}":
        return f"{method} {path} {body or ''}".strip()
    return str(body)


@pytest.fixture(scope="module")
def transcripts(start: Any, toxiproxy_binary: str) -> dict[str, list[str]]:
    """All requests, put to every engine."""
    found = {}
    for name in ("ours", "ours-compat", "toxiproxy"):
        with start(name) as one:
            found[name] = transcript(one)
    return found


@pytest.mark.parametrize(
    "number", range(len(REQUESTS)), ids=lambda n: f"{n} {REQUESTS[n][0]} {REQUESTS[n][1]}"
)
def test_the_answer_is_toxiproxys(transcripts: dict[str, list[str]], number: int) -> None:
    """With `--compat` every answer is the same; without it, every one but those listed."""
    real, compat, strict = (transcripts[name][number] for name in ("toxiproxy", "ours-compat", "ours"))

    assert real == compat
    assert (real != strict) == (key(REQUESTS[number]) in DIFFERENT)


def test_every_listed_difference_was_asked_for() -> None:
    """The list of differences holds nothing but requests of the table."""
    assert set() == set(DIFFERENT) - {key(request) for request in REQUESTS}
