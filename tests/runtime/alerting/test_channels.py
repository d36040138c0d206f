"""Each channel sends what the real service takes, and returns only with a receipt."""

import asyncio
import http.server
import json
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.alerting.apprise import AppriseChannel
from pytest_resilience.runtime.alerting.email import EmailChannel
from pytest_resilience.runtime.alerting.http_post import post_json
from pytest_resilience.runtime.alerting.local_file import FileChannel
from pytest_resilience.runtime.alerting.pagerduty import PagerDutyChannel
from pytest_resilience.runtime.alerting.rules import CHANNELS
from pytest_resilience.runtime.alerting.slack import SlackChannel

NETWORKED = ("pagerduty", "slack", "email")


def test_every_channel_of_the_rules_exists():
    """The names that rules may use are those of the channels."""
    channels = (
        PagerDutyChannel("k"),
        SlackChannel("u"),
        EmailChannel(host="h", recipients=("a",), sender="b"),
        AppriseChannel(("u",)),
        FileChannel(Path("f")),
    )

    assert tuple(channel.name for channel in channels) == CHANNELS


@pytest.mark.parametrize("name", NETWORKED)
class TestAll:
    """What holds for each channel that uses the network."""

    @pytest.mark.parametrize("severity", ["CRITICAL", "HIGH", "MEDIUM", "LOW"])
    def test_the_service_takes_it(self, inbox, channels, make_alert, name, severity):
        """Of every severity, by the rules of the real one."""
        channels[name].send(make_alert(severity=severity))
        endpoint = getattr(inbox, name)

        assert (len(endpoint), endpoint.rejected) == (1, [])

    @pytest.mark.parametrize(
        "changes",
        [
            {"message": ""},
            {"message": "x" * 20_000},
            {"component": "c" * 500},
            {"dedup_key": "k" * 600},
            {"message": "a\r\nSubject: forged\r\n\r\nb", "component": "line\nbreak"},
            {"message": "<!channel> & <http://example.org|here> \u2028 \x00 \N{SNOWMAN}"},
            {"details": {f"key{n}": "v" * 300 for n in range(200)}},
            {"details": {}},
        ],
        ids=["empty", "long", "component", "key", "breaks", "signs", "details", "none"],
    )
    def test_the_service_takes_anything(self, inbox, channels, make_alert, name, changes):
        """Lengths, line breaks and odd characters are brought into the service's bounds."""
        channels[name].send(make_alert(**changes))
        endpoint = getattr(inbox, name)

        assert (len(endpoint), endpoint.rejected) == (1, [])

    def test_nobody_there_is_a_passing_failure(self, inbox, channels, make_alert, name):
        """Refused connections are worth another try."""
        with getattr(inbox, name).down(), pytest.raises(RetryableError, match="no answer"):
            channels[name].send(make_alert())

    @pytest.mark.parametrize(("status", "code"), [(503, 451), (429, 421)])
    def test_a_busy_service_is_a_passing_failure(self, inbox, channels, make_alert, name, status, code):
        """Server errors, and too many requests."""
        fault = getattr(inbox, name).respond(code if name == "email" else status)
        with fault, pytest.raises(RetryableError, match=str(code if name == "email" else status)):
            channels[name].send(make_alert())

    def test_a_refusal_is_final(self, inbox, channels, make_alert, name):
        """What the service will never take is not tried again."""
        fault = getattr(inbox, name).respond(554 if name == "email" else 403)
        with fault, pytest.raises(FatalError):
            channels[name].send(make_alert())


@pytest.mark.parametrize("name", ["pagerduty", "slack"])
@pytest.mark.parametrize("body", ["<html>Please log in</html>", "\n<!doctype html>"])
def test_a_page_is_no_receipt(inbox, channels, make_alert, name, body):
    """A proxy or a login page answers 200 as well; the alert is tried again then, not taken for delivered."""
    with (
        getattr(inbox, name).respond(200, body=body),
        pytest.raises(RetryableError, match="answered 200 with a page of HTML, which is no receipt"),
    ):
        channels[name].send(make_alert())


class TestPagerDuty:
    """Events v2."""

    def test_the_event_is_complete(self, inbox, channels, make_alert):
        """Key, action, dedup_key, and the fields of PD-CEF."""
        channels["pagerduty"].send(make_alert(severity="CRITICAL", component="database", dedup_key="d"))
        (event,) = (accepted.body for accepted in inbox.pagerduty)
        payload = event["payload"]

        assert (event["event_action"], event["dedup_key"]) == ("trigger", "d")
        assert payload["summary"] == "CRITICAL database: labs do not answer"
        assert (payload["severity"], payload["component"], payload["class"]) == (
            "critical",
            "database",
            "CRITICAL/database",
        )
        assert payload["source"]
        assert payload["timestamp"] == "2026-01-02T03:04:05+00:00"
        assert payload["custom_details"]["operation"] == "score"

    @pytest.mark.parametrize(
        ("severity", "theirs"),
        [("CRITICAL", "critical"), ("HIGH", "error"), ("MEDIUM", "warning"), ("LOW", "info")],
    )
    def test_severities_are_translated(self, channels, make_alert, severity, theirs):
        """Four of ours, four of theirs."""
        assert channels["pagerduty"].event(make_alert(severity=severity))["payload"]["severity"] == theirs

    @pytest.mark.parametrize("action", ["acknowledge", "resolve"])
    def test_follow_ups_carry_the_key_alone(self, inbox, channels, make_alert, action):
        """No payload; the service takes them."""
        channels["pagerduty"].send(make_alert(action=action, dedup_key="d"))
        (event,) = (accepted.body for accepted in inbox.pagerduty)

        assert {"routing_key", "event_action", "dedup_key"} == event.keys()

    def test_retry_after_is_read(self, inbox, channels, make_alert):
        """In seconds and as a date."""
        with (
            inbox.pagerduty.respond(429, headers={"Retry-After": "7"}),
            pytest.raises(RetryableError) as busy,
        ):
            channels["pagerduty"].send(make_alert())
        past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
        with inbox.pagerduty.respond(429, headers=past), pytest.raises(RetryableError) as late:
            channels["pagerduty"].send(make_alert())

        assert (busy.value.retry_after, late.value.retry_after) == (7.0, 0.0)

    @pytest.mark.parametrize("value", ["soon", "-1", "", "9" * 400])
    def test_nonsense_in_retry_after_is_ignored(self, inbox, channels, make_alert, value):
        """It changes nothing about the failure."""
        fault = inbox.pagerduty.respond(429, headers={"Retry-After": value})
        with fault, pytest.raises(RetryableError) as busy:
            channels["pagerduty"].send(make_alert())

        assert busy.value.retry_after in (None, float("inf"))


class TestSlack:
    """The incoming webhook."""

    def test_the_message_reads_well(self, inbox, channels, make_alert):
        """A plain text for notifications, and blocks for the eye."""
        channels["slack"].send(make_alert(severity="CRITICAL", component="database", message="a < b"))
        (message,) = (accepted.body for accepted in inbox.slack)

        assert message["text"].endswith("CRITICAL database: a &lt; b")
        assert [block["type"] for block in message["blocks"]] == ["header", "section", "section", "context"]

    def test_nobody_is_called_by_a_message(self, channels, make_alert, inbox):
        """Slack's commands in data are only text."""
        channels["slack"].send(make_alert(message="<!channel>", details={"x": "<@U1>"}))

        assert "<" not in json.dumps(inbox.slack[0].body)


class TestHttp:
    """The exchange below both."""

    def test_a_hanging_server_ends_with_the_deadline(self, inbox):
        """The whole exchange has one."""
        with inbox.slack.hang(), pytest.raises(RetryableError, match="TimeoutError"):
            post_json(inbox.urls["slack"], {"text": "x"}, timeout=0.2)

    def test_a_dripping_server_ends_with_the_deadline(self):
        """One byte at a time, each within the socket's own time-out, for ever."""
        with dripping_server() as url, pytest.raises(RetryableError, match="TimeoutError"):
            post_json(url, {"text": "x"}, timeout=0.3)

    @pytest.mark.parametrize("url", ["ftp://example.org/x", "nonsense", "", "http://"])
    def test_a_url_that_is_none_is_final(self, url):
        """The message says what one must look like, without the URL, which may be a secret."""
        with pytest.raises(FatalError, match="must begin with https://"):
            post_json(url, {})

    def test_a_redirect_is_final(self, inbox, channels, make_alert):
        """Alerts are not sent after whoever answers."""
        with inbox.slack.respond(302, headers={"Location": "http://example.org"}), pytest.raises(FatalError):
            channels["slack"].send(make_alert())

    def test_failures_name_no_secret(self, inbox):
        """Only the host of the URL is in the message, and no cause holds more."""
        with inbox.slack.down(), pytest.raises(RetryableError) as failed:
            post_json(inbox.urls["slack"] + "/kestrel", {"text": "x"})

        assert "kestrel" not in f"{failed.value!r} {failed.value.__cause__!r}"

    def test_a_proxy_of_the_environment_is_used(self, monkeypatch, inbox):
        """As urllib would: the captured endpoint stands in for the proxy, and is asked for the whole URL."""
        port = inbox.urls["slack"].split(":")[2].split("/")[0]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        answer = post_json("http://slack.example.org/hook", {"text": "x"})

        assert answer.status == 404
        assert "http://slack.example.org/hook" not in answer.body
        assert inbox.slack.rejected[0].status == 404


class dripping_server:  # noqa: N801 - reads as a function
    """Serve one byte of an endless header at a time."""

    def __enter__(self):
        class Drip(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                while not stop.wait(0.02):
                    self.wfile.write(b"x")

            def log_message(self, *_arguments):
                """Stay quiet."""

        stop = self.stop = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Drip)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_error):
        self.stop.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TestEmail:
    """SMTP."""

    def test_the_mail_reads_well(self, inbox, channels, make_alert):
        """Subject, addresses, date, an id of its own, message and details."""
        channels["email"].send(make_alert(uid="u1", severity="LOW", component="monitoring"))
        (mail,) = inbox.email

        assert mail.message["Subject"] == "[LOW] monitoring: labs do not answer"
        assert (mail.sender, mail.recipients) == (
            "icu@example.org",
            ("oncall@example.org", "second@example.org"),
        )
        assert mail.message["Message-ID"].startswith("<u1@")
        assert mail.message["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
        assert "labs do not answer" in mail.body
        assert '"operation": "score"' in mail.body

    def test_headers_cannot_be_forged(self, inbox, channels, make_alert):
        """Line breaks in data end no header."""
        channels["email"].send(make_alert(message="a\r\nBcc: x@example.org", component="b\nX: y"))

        assert {"bcc", "x"}.isdisjoint(inbox.email[0].headers)

    def test_the_password_needs_an_encrypted_line(self, inbox, make_alert):
        """A server without STARTTLS gets no password, and the message says why."""
        channel = EmailChannel(
            host=inbox.urls["smtp_host"],
            port=int(inbox.urls["smtp_port"]),
            recipients=("a@example.org",),
            sender="b@example.org",
            user="icu",
            password="kestrel",
        )
        with pytest.raises(FatalError, match="no STARTTLS"):
            channel.send(make_alert())

    def test_starttls_and_login(self, certificate, make_alert):
        """Where the server offers both, the line is encrypted and checked, and the login sent."""
        with TlsServer(certificate) as server:
            server.channel(password="kestrel").send(make_alert())

        assert server.logins == [("icu", "kestrel", True)]
        assert len(server.mails) == 1

    def test_a_wrong_password_is_final(self, certificate, make_alert):
        """It will not become right by itself."""
        with TlsServer(certificate) as server, pytest.raises(FatalError, match="535"):
            server.channel(password="wrong").send(make_alert())

    def test_an_unknown_certificate_is_refused(self, certificate, make_alert):
        """Without its authority, nothing is sent over such a line."""
        with (
            TlsServer(certificate) as server,
            pytest.raises(RetryableError, match="SSLCertVerificationError"),
        ):
            server.channel(password="kestrel", tls=ssl.create_default_context()).send(make_alert())

        assert server.logins == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH to make a certificate with")
    subprocess.run(
        [
            *(
                openssl,
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return folder


class TlsServer:
    """A mail server with STARTTLS and one user, `icu` with the password `kestrel`."""

    def __init__(self, certificate):
        self.certificate, self.logins, self.mails = certificate, [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        self.context = context
        self.port, self._loop = None, None

    def authenticate(self, _server, session, _envelope, _mechanism, data):
        """Check the login, and remember it."""
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password, session.ssl is not None))
        return AuthResult(success=(user, password) == ("icu", "kestrel"), handled=False)

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        """Keep the mail."""
        self.mails.append(envelope.content)
        return "250 OK"

    def channel(self, *, password, tls=None):
        """Return a channel to this server."""
        return EmailChannel(
            host="localhost",
            port=self.port,
            recipients=("a@example.org",),
            sender="b@example.org",
            user="icu",
            password=password,
            tls=tls or ssl.create_default_context(cafile=str(self.certificate / "cert.pem")),
        )

    def __enter__(self):
        self._started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_error):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _serve(self):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()

    def _protocol(self):
        return SMTP(self, tls_context=self.context, authenticator=self.authenticate, loop=self._loop)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise's own import
class TestApprise:
    """Anything else."""

    def test_it_notifies(self, make_alert):
        """By Apprise's own JSON plugin, to a server of this test."""
        with recording_server() as (url, bodies):
            AppriseChannel((url.replace("http://", "json://"),)).send(make_alert())

        assert bodies[0]["title"] == "HIGH api"
        assert bodies[0]["message"] == "labs do not answer"

    def test_a_service_that_is_down_is_a_passing_failure(self, make_alert, inbox):
        """Apprise says only that it failed."""
        port = inbox.urls["slack"].split(":")[2].split("/")[0]
        with inbox.slack.down(), pytest.raises(RetryableError, match="could not notify"):
            AppriseChannel((f"json://127.0.0.1:{port}/",)).send(make_alert())

    def test_a_url_that_it_does_not_know_is_final(self, make_alert):
        """The message names no URL, which may be a secret."""
        with pytest.raises(FatalError, match="does not understand one of its URLs") as refused:
            AppriseChannel(("kestrel://x",)).send(make_alert())

        assert "kestrel" not in str(refused.value)

    def test_without_the_package_it_says_what_to_install(self, monkeypatch, make_alert):
        """The base install has no Apprise."""
        monkeypatch.setitem(sys.modules, "apprise", None)
        with pytest.raises(FatalError, match=r"pip install 'pytest-resilience\[alerts\]'"):
            AppriseChannel(("json://x",)).send(make_alert())


class recording_server:  # noqa: N801 - reads as a function
    """Keep the JSON bodies of what is posted."""

    def __enter__(self):
        bodies = []

        class Record(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments):
                """Stay quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Record)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/", bodies

    def __exit__(self, *_error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TestFile:
    """The last resort."""

    def test_lines_are_added(self, tmp_path, make_alert):
        """One an alert, in a file and a folder for the owner alone."""
        channel = FileChannel(tmp_path / "above" / "new" / "alerts.jsonl")
        for message in ("a", "b"):
            channel.send(make_alert(message=message))
        lines = [json.loads(line) for line in channel.path.read_text(encoding="utf-8").splitlines()]

        assert [line["message"] for line in lines] == ["a", "b"]
        assert channel.path.stat().st_mode & 0o777 == 0o600
        assert [folder.stat().st_mode & 0o777 for folder in list(channel.path.parents)[:2]] == [0o700, 0o700]

    def test_a_file_that_cannot_be_written_is_a_passing_failure(self, make_alert, tmp_path):
        """The message names file and reason."""
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(RetryableError, match="cannot be written"):
            FileChannel(tmp_path / "file" / "alerts.jsonl").send(make_alert())

    def test_a_full_disk_is_a_passing_failure(self, make_alert):
        """As /dev/full is."""
        with pytest.raises(RetryableError, match="No space left"):
            FileChannel(Path("/dev/full")).send(make_alert())
