"""The captured alert endpoints answer as PagerDuty, Slack and a mail server do, and break on demand."""

import asyncio
import contextlib
import gc
import http.client
import json
import os
import smtplib
import socket
import threading
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from pagerduty import EventsApiV2Client, HttpError
from slack_sdk.webhook import WebhookClient

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.alert_inbox import AlertInbox
from pytest_resilience.services.alert_inbox.listener import LOOPBACK, Listener

HANG_GUARD = 30
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def inbox():
    """An inbox of this test alone."""
    with AlertInbox() as running:
        yield running


class ToInbox(httpx2.HTTPTransport):
    """Carry requests for events.pagerduty.com to the inbox; the client takes no URL but https."""

    def __init__(self, inbox):
        super().__init__()
        self.port = urlsplit(inbox.urls["pagerduty"]).port

    def handle_request(self, request):
        """Send it to the captured endpoint."""
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return super().handle_request(request)


def event(**changes):
    """Return a valid event, with fields changed; a dotted name changes the payload."""
    payload = {"summary": "database lost", "source": "icu-1", "severity": "critical"}
    whole = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "k", "payload": payload}
    for name, value in changes.items():
        target, field = (payload, name.removeprefix("payload_")) if "payload_" in name else (whole, name)
        target[field] = value
    return whole


def post(url, body, *, headers=None, timeout=HANG_GUARD):
    """POST and return status, headers and text."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", parts.path, content, headers or {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def mail(*, sender="icu@example.org", **headers):
    """Return an e-mail to the on-call people."""
    message = EmailMessage()
    for name, value in {"From": sender, "To": "oncall@example.org", "Subject": "lost", **headers}.items():
        if value is not None:
            message[name] = value
    message.set_content("The database is lost.")
    return message


def send_mail(inbox, message, timeout=HANG_GUARD):
    """Send it through the captured server."""
    with smtplib.SMTP(inbox.urls["smtp_host"], int(inbox.urls["smtp_port"]), timeout=timeout) as server:
        server.send_message(message, "icu@example.org", ["oncall@example.org"])


class TestPagerDuty:
    """PagerDuty Events v2."""

    def test_a_valid_event_is_accepted(self, inbox):
        """202 with status, message and dedup_key; the event is kept."""
        status, _, text = post(inbox.urls["pagerduty"], event())

        assert status == 202
        assert json.loads(text) == {"status": "success", "message": "Event processed", "dedup_key": "k"}
        assert [event()] == [accepted.body for accepted in inbox.pagerduty]

    def test_a_trigger_without_a_key_is_given_one(self, inbox):
        """The answer and the record carry the same new dedup_key."""
        _, _, text = post(inbox.urls["pagerduty"], event(dedup_key=None))

        assert json.loads(text)["dedup_key"] == inbox.pagerduty[0].body["dedup_key"]

    def test_its_own_client_is_content(self, inbox):
        """The `pagerduty` package triggers, acknowledges and resolves."""
        with EventsApiV2Client(KEY, transport=ToInbox(inbox)) as client:
            key = client.trigger("database lost", "icu-1", severity="error", custom_details={"n": 1})
            client.acknowledge(key)
            client.resolve(key)

        assert [a.body["event_action"] for a in inbox.pagerduty] == ["trigger", "acknowledge", "resolve"]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"routing_key": None}, "'routing_key' cannot be blank"),
            ({"routing_key": "short"}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
            ({"routing_key": "-" * 32}, "'routing_key' cannot contain non-alphanumeric characters."),
            ({"event_action": None}, "'event_action' is missing or blank"),
            ({"event_action": "fire"}, "'event_action' is invalid"),
            ({"event_action": "resolve", "dedup_key": None}, "'dedup_key' is missing or blank"),
            ({"dedup_key": "k" * 256}, "'dedup_key' is too long (maximum is 255 characters)"),
            ({"dedup_key": 7}, "'dedup_key' is invalid (must be a string)"),
            ({"links": [{"text": "no href"}]}, "'links.href' is missing or blank"),
            ({"images": "x"}, "'images' is invalid (must be an array of objects)"),
            ({"payload": None}, "'payload' is missing or blank"),
            ({"payload": []}, "'payload' is invalid (must be an object)"),
            ({"payload_summary": " "}, "'payload.summary' is missing or blank"),
            ({"payload_summary": "s" * 1025}, "'payload.summary' is too long (maximum is 1024 characters)"),
            ({"payload_source": None}, "'payload.source' is missing or blank"),
            ({"payload_severity": None}, "'payload.severity' is missing or blank"),
            ({"payload_severity": "CRITICAL"}, "'payload.severity' is invalid"),
            ({"payload_severity": ["critical"]}, "'payload.severity' is invalid"),
            ({"payload_component": 1}, "'payload.component' is invalid (must be a string)"),
            ({"payload_custom_details": "x"}, "'payload.custom_details' is invalid (must be an object)"),
            ({"payload_timestamp": "yesterday"}, "'payload.timestamp' is invalid (must be an ISO 8601 time)"),
            ({"payload_custom_details": {"x": "y" * 512 * 1024}}, "Event is too large"),
        ],
    )
    def test_an_invalid_event_is_refused(self, inbox, changes, reason):
        """400 with PagerDuty's error object, which names what is wrong; nothing is accepted."""
        status, _, text = post(inbox.urls["pagerduty"], event(**changes))
        answer = json.loads(text)

        assert (status, answer["status"]) == (400, "invalid event")
        assert answer["message"] == "Event object is invalid"
        assert [error for error in answer["errors"] if error.startswith(reason)]
        assert tuple(answer["errors"]) == inbox.pagerduty.rejected[0].reasons
        assert not inbox.pagerduty

    def test_the_limits_are_allowed(self, inbox):
        """1,024 characters of summary and 255 of dedup_key pass; time stamps may carry a zone."""
        whole = event(payload_summary="s" * 1024, dedup_key="k" * 255)
        whole["payload"]["timestamp"] = "2026-01-02T03:04:05.678+0000"

        assert post(inbox.urls["pagerduty"], whole)[0] == 202

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"'])
    def test_what_is_no_object_is_refused(self, inbox, body):
        """Bytes that are no JSON object get 400."""
        assert post(inbox.urls["pagerduty"], body)[0] == 400

    def test_its_own_client_sees_the_refusal(self, inbox):
        """The `pagerduty` package raises on the 400."""
        client = EventsApiV2Client("short", transport=ToInbox(inbox))
        with client, pytest.raises(HttpError, match="invalid event"):
            client.trigger("database lost", "icu-1")

    def test_another_path_is_not_found(self, inbox):
        """404, and the reason names the path."""
        assert post(inbox.urls["pagerduty"] + "/x", event())[0] == 404
        assert "/v2/enqueue/x" in inbox.pagerduty.rejected[0].reasons[0]


class TestSlack:
    """Slack's incoming webhook."""

    @pytest.mark.parametrize(
        "message",
        [
            {"text": "lost"},
            {"attachments": [{"fallback": "lost"}]},
            {
                "blocks": [
                    {"type": "section", "text": {"type": "mrkdwn", "text": "lost"}},
                    {"type": "divider"},
                ]
            },
        ],
    )
    def test_a_message_is_accepted(self, inbox, message):
        """200 `ok`."""
        status, _, text = post(inbox.urls["slack"], message)

        assert (status, text) == (200, "ok")
        assert message == inbox.slack[0].body

    def test_its_own_client_is_content(self, inbox):
        """The `slack_sdk` package sends, and reads `ok`."""
        answer = WebhookClient(inbox.urls["slack"]).send(text="lost")

        assert (answer.status_code, answer.body) == (200, "ok")

    def test_a_form_is_read(self, inbox):
        """The older form with a `payload` field passes."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}

        assert post(inbox.urls["slack"], b"payload=%7B%22text%22%3A%22x%22%7D", headers=headers)[0] == 200
        assert inbox.slack[0].body == {"text": "x"}

    @pytest.mark.parametrize(
        ("message", "word"),
        [
            (b"{", "invalid_payload"),
            (b"[]", "invalid_payload"),
            ({}, "no_text"),
            ({"text": ""}, "no_text"),
            ({"text": 1}, "invalid_payload"),
            ({"attachments": [{}] * 101}, "too_many_attachments"),
            ({"blocks": "x"}, "invalid_blocks_format"),
            ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
            ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
            (
                {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
                "invalid_blocks",
            ),
            ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, "invalid_blocks"),
        ],
    )
    def test_an_invalid_message_is_refused(self, inbox, message, word):
        """400 with the one word that says why; nothing is accepted."""
        status, _, text = post(inbox.urls["slack"], message)

        assert (status, text) == (400, word)
        assert inbox.slack.rejected[0].reasons == (word,)
        assert not inbox.slack

    def test_a_wrong_token_or_path_is_refused(self, inbox):
        """403 `invalid_token` for the right team, 404 `no_service` for another path."""
        url = inbox.urls["slack"]

        assert post(url[:-1] + "Y", {"text": "x"})[::2] == (403, "invalid_token")
        assert post(url + "/Y", {"text": "x"})[::2] == (404, "no_service")

    @pytest.mark.parametrize(
        ("status", "word"),
        [(403, "action_prohibited"), (404, "channel_not_found"), (410, "channel_is_archived")],
    )
    def test_a_status_says_what_slack_says(self, inbox, status, word):
        """respond() answers Slack's own word for the status."""
        with inbox.slack.respond(status):
            assert post(inbox.urls["slack"], {"text": "x"})[::2] == (status, word)


class TestEmail:
    """The SMTP server."""

    def test_a_message_is_accepted(self, inbox):
        """It is kept with its envelope, headers and text."""
        send_mail(inbox, mail())
        (kept,) = inbox.email

        assert kept.message["Subject"] == "lost"
        assert kept.body.strip() == "The database is lost."
        assert (kept.sender, kept.recipients) == ("icu@example.org", ("oncall@example.org",))

    def test_a_message_without_from_is_refused(self, inbox):
        """550, as big providers answer; nothing is accepted."""
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send_mail(inbox, mail(sender=None))

        assert refused.value.smtp_code == 550
        assert (len(inbox.email), len(inbox.email.rejected)) == (0, 1)


def reach(inbox, name, timeout=HANG_GUARD):
    """Send something valid to the endpoint."""
    if name == "email":
        return send_mail(inbox, mail(), timeout)
    return post(inbox.urls[name], event() if name == "pagerduty" else {"text": "x"}, timeout=timeout)


NAMES = ("pagerduty", "slack", "email")


@pytest.mark.parametrize("name", NAMES)
class TestFaults:
    """Each endpoint can be made to fail, and is well afterwards."""

    def test_down_refuses_and_heals_on_the_same_port(self, inbox, name):
        """Connections are refused until the `with` ends; then the same address works."""
        endpoint = getattr(inbox, name)
        with endpoint.down() as fault, pytest.raises(ConnectionRefusedError):
            reach(inbox, name)
        reach(inbox, name)

        assert fault.fired
        assert len(endpoint) == 1

    def test_down_breaks_live_connections(self, inbox, name):
        """Who is connected sees the connection end."""
        port = urlsplit(inbox.urls[name]).port if name != "email" else int(inbox.urls["smtp_port"])
        with socket.create_connection(("127.0.0.1", port), timeout=HANG_GUARD) as connection:
            if name == "email":
                assert connection.recv(100).startswith(b"220")
            else:
                connection.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
                assert connection.recv(4000)
            with getattr(inbox, name).down():
                try:
                    rest = connection.recv(4000)
                except ConnectionResetError:
                    rest = b""

        assert rest == b""

    def test_hang_never_answers(self, inbox, name):
        """The client's own time-out is what ends it; nothing is accepted."""
        endpoint = getattr(inbox, name)
        with endpoint.hang() as fault, pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            reach(inbox, name, timeout=0.2)
        reach(inbox, name)

        assert fault.fired
        assert (len(endpoint), endpoint.faulted) == (1, 1)

    def test_healing_a_hang_lets_go_of_who_waits(self, inbox, name):
        """A client without a time-out sees its connection end when the fault heals."""
        endpoint, ended = getattr(inbox, name), []

        def wait_for_the_end():
            with pytest.raises((OSError, http.client.HTTPException, smtplib.SMTPException)) as end:
                reach(inbox, name)
            ended.append(end)

        with endpoint.hang():
            waiting = threading.Thread(target=wait_for_the_end)
            waiting.start()
            inbox.wait_for(lambda: endpoint.faulted == 1)
        waiting.join(HANG_GUARD)

        assert len(ended) == 1

    def test_two_faults_at_once_are_refused(self, inbox, name):
        """The message says to heal the first."""
        endpoint = getattr(inbox, name)
        with (
            endpoint.down(),
            pytest.raises(HarnessError, match="already has the fault 'down': heal it first"),
        ):
            endpoint.hang()

    def test_heal_is_safe_to_call_twice(self, inbox, name):
        """A late second heal does not end another fault."""
        endpoint = getattr(inbox, name)
        first = endpoint.down()
        first.heal()
        with endpoint.down():
            first.heal()
            with pytest.raises(ConnectionRefusedError):
                reach(inbox, name)

    def test_faults_work_in_async_code(self, inbox, name):
        """`async with` heals too."""
        endpoint = getattr(inbox, name)

        async def break_it():
            async with endpoint.down() as fault:
                return fault

        assert asyncio.run(break_it()).fired
        reach(inbox, name)


class TestRespond:
    """A chosen status."""

    def test_headers_and_body_are_sent(self, inbox):
        """429 with Retry-After, and a body of the test's choice."""
        with inbox.slack.respond(429, headers={"Retry-After": "2"}, body="slow down") as fault:
            status, headers, text = post(inbox.urls["slack"], {"text": "x"})

        assert (status, headers["Retry-After"], text) == (429, "2", "slow down")
        assert fault.fired
        assert (len(inbox.slack), len(inbox.slack.rejected), inbox.slack.faulted) == (0, 0, 1)

    def test_pagerduty_throttles_in_its_own_words(self, inbox):
        """The default body of a 429 is PagerDuty's."""
        with inbox.pagerduty.respond(429):
            answer = json.loads(post(inbox.urls["pagerduty"], event())[2])

        assert answer["status"] == "throttle exceeded"

    def test_mail_is_refused_with_the_code(self, inbox):
        """An SMTP reply code is answered to MAIL."""
        with inbox.email.respond(451), pytest.raises(smtplib.SMTPException) as refused:
            send_mail(inbox, mail())

        assert refused.value.smtp_code == 451
        assert not inbox.email

    @pytest.mark.parametrize("status", [0, 199, 600, -1])
    def test_a_nonsense_status_is_refused(self, inbox, status):
        """The message repeats the value."""
        with pytest.raises(HarnessError, match=str(status)):
            inbox.slack.respond(status)


class TestWire:
    """HTTP as clients speak it."""

    def talk(self, inbox, data):
        """Send bytes to the Slack endpoint and read until it closes."""
        with socket.create_connection(("127.0.0.1", urlsplit(inbox.urls["slack"]).port), HANG_GUARD) as it:
            it.sendall(data)
            it.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: it.recv(65536), b""))

    def head(self, inbox, *lines):
        """Return a request's head."""
        return "\r\n".join([f"POST {urlsplit(inbox.urls['slack']).path} HTTP/1.1", *lines, "", ""]).encode()

    def test_connections_are_kept(self, inbox):
        """Two requests on one connection are both answered."""
        one = self.head(inbox, "Content-Length: 12") + b'{"text":"x"}'

        assert self.talk(inbox, one + one).count(b"200 OK") == 2

    def test_chunks_are_read(self, inbox):
        """A chunked body with an extension and a trailer is one message."""
        head = self.head(inbox, "Transfer-Encoding: chunked")
        self.talk(inbox, head + b'5;x=1\r\n{"tex\r\n7\r\nt":"x"}\r\n0\r\nTrailer: 1\r\n\r\n')

        assert [accepted.body for accepted in inbox.slack] == [{"text": "x"}]

    def test_continue_is_answered(self, inbox):
        """A client that asks first is told to go on."""
        head = self.head(inbox, "Content-Length: 12", "Expect: 100-continue")

        assert self.talk(inbox, head + b'{"text":"x"}').startswith(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"
        )

    @pytest.mark.parametrize(
        ("lines", "body", "status"),
        [
            (["Content-Length: x"], b"", b"400"),
            (["Content-Length: 99999999"], b"", b"413"),
            (["Transfer-Encoding: chunked"], b"zz\r\n", b"400"),
            (["X: " + "y" * 70_000], b"", b"431"),
        ],
    )
    def test_broken_requests_are_refused(self, inbox, lines, body, status):
        """They get a status, and the endpoint goes on."""
        assert self.talk(inbox, self.head(inbox, *lines) + body).split(b" ")[1] == status
        assert post(inbox.urls["slack"], {"text": "x"})[0] == 200

    def test_noise_does_not_hurt(self, inbox):
        """Bytes that are no HTTP, and half a request, leave the endpoint well."""
        assert self.talk(inbox, b"\x16\x03\x01 noise\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert self.talk(inbox, b"POST / HT") == b""
        assert post(inbox.urls["slack"], {"text": "x"})[0] == 200


def held():
    """Return the threads and the number of descriptors of this process."""
    return set(threading.enumerate()), len(list(Path("/proc/self/fd").iterdir()))


class TestInbox:
    """The three together."""

    def test_wait_for_says_what_arrived(self, inbox):
        """A wait in vain names the counts."""
        post(inbox.urls["slack"], {})
        with pytest.raises(TimeoutError, match="slack: 0 accepted, 1 rejected"):
            inbox.wait_for(lambda: len(inbox.slack) == 1, timeout=0.01)

    def test_wait_for_wakes_at_an_arrival(self, inbox):
        """What arrives while it waits ends the wait."""
        sender = threading.Thread(target=post, args=(inbox.urls["slack"], {"text": "x"}))
        sender.start()
        inbox.wait_for(lambda: len(inbox.slack) == 1, timeout=HANG_GUARD)
        sender.join()

    def test_env_names_the_runtime_channels(self, inbox):
        """The mapping is what the runtime's own channels read."""
        assert set(inbox.env) == {"PAGERDUTY_EVENTS_URL", "SLACK_WEBHOOK_URL", "SMTP_HOST", "SMTP_PORT"}

    def test_the_clock_that_stamps_is_the_given_one(self):
        """`at` comes from the injected clock."""

        class Stopped:
            def monotonic(self):
                return 42.0

        with AlertInbox(clock=Stopped()) as inbox:
            post(inbox.urls["slack"], {"text": "x"})

        assert inbox.slack[0].at == 42.0

    def test_nothing_is_left_after_closing(self):
        """No thread, no descriptor, even with a fault on and a client that hangs."""
        before = held()
        inbox = AlertInbox()
        inbox.open()
        fault = inbox.slack.hang()
        with socket.create_connection(("127.0.0.1", urlsplit(inbox.urls["slack"]).port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            inbox.wait_for(lambda: inbox.slack.faulted == 1)
            inbox.close()
        inbox.close()
        fault.heal()

        assert before == held()

    def test_misuse_is_explained(self, inbox):
        """Opening twice, and asking before the start, are refused in words."""
        with pytest.raises(HarnessError, match="open already"):
            inbox.open()
        with pytest.raises(HarnessError, match="no addresses yet"):
            AlertInbox().urls  # noqa: B018 - the property itself raises
        with pytest.raises(HarnessError, match="not running"):
            AlertInbox().slack.down()

    def test_a_down_port_stays_ours_in_forked_children(self, inbox):
        """A child that was forked while the endpoint listened does not keep it reachable."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        try:
            with inbox.slack.down(), pytest.raises(ConnectionRefusedError):
                reach(inbox, "slack")
        finally:
            os.close(writing)
            os.waitpid(child, 0)


@pytest.mark.parametrize("steps", range(6))
def test_a_port_that_is_closed_leaves_no_connection_behind(steps):
    """However far a new connection has got by then; an unclosed socket is an error, when it is collected."""
    counted = Counter()

    class Counted(asyncio.Protocol):
        """Count what is connected, and what is lost."""

        def connection_made(self, _transport):
            """Begin."""
            counted["made"] += 1

        def connection_lost(self, _error):
            """End."""
            counted["lost"] += 1

    async def close_after(steps):
        listener = Listener(Counted)
        await listener.open()
        for _ in range(3):
            await asyncio.sleep(0)
        client = socket.create_connection((LOOPBACK, listener.port))
        for _ in range(steps):
            await asyncio.sleep(0)
        await listener.release()
        return client

    with asyncio.run(close_after(steps)) as client, contextlib.suppress(ConnectionResetError):
        client.settimeout(HANG_GUARD)
        assert client.recv(1) == b""
    gc.collect()
    assert counted["made"] == counted["lost"]
