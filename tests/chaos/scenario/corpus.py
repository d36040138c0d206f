"""Scenario files, sound and broken; a broken one with the place and the beginning of what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = "scenario: Lost\nworkload: ingest\n"
FAULTS = "faults:\n  - {on: warehouse, when: {start: true}, inject: down}\n"
EXPECT = "expect:\n  - exit: 0\n"


def fault(text: str) -> str:
    """Return a scenario with this fault, which begins at 4:5."""
    return f"{HEAD}faults:\n  - {text}\n{EXPECT}"


def expect(text: str) -> str:
    """Return a scenario with this expectation, which begins at 6:5."""
    return f"{HEAD}{FAULTS}expect:\n  - {text}\n"


def top(text: str) -> str:
    """Return a scenario with these lines below its own five, from 7:1 on."""
    return f"{HEAD}{FAULTS}{EXPECT}{text}\n"


def at(when: str, inject: str, *, on: str = "warehouse", more: str = "") -> str:
    """Return a scenario with a fault of this trigger and this kind."""
    return fault(f"{{on: {on}, when: {when}, inject: {inject}{more}}}")


SOUND = {
    "short": HEAD + FAULTS + EXPECT,
    "after a byte order mark": "\ufeff" + HEAD + FAULTS + EXPECT,
    "a version": "%YAML 1.2\n---\n" + HEAD + FAULTS + EXPECT + "...\n",
    "JSON": '{"scenario": "Lost", "workload": "ingest", "faults": [{"on": "warehouse", "when": {"start": true},'
    ' "inject": {"down": null}}], "expect": [{"exit": "nonzero"}]}',
    "steady state alone": HEAD
    + FAULTS
    + "steady_state:\n  - sql: {on: warehouse, query: select 1, equals: null}\n",
    "folded title": FAULTS + EXPECT + "workload: ingest\nscenario: >\n  A sentence\n  in two lines\n",
    "proves": top("proves: [backoff, runbooks]\nrunbook: runbooks/database.md"),
    "after nothing": at("{after: 0}", "{timeout: {}}", on="queue"),
    "after a text": at("{after: 1.5 s}", "{reset_peer: {after: 1m}}"),
    "octal rows": at("{rows: 0o17, table: raw.icustays}", "cut"),
    "jitter alone": at("{start: true}", "{latency: {delay: 0, jitter: 1ms}}"),
    "toxics": at("{start: true}", "{latency: {delay: 0.3, jitter: 1ms, stream: upstream, toxicity: 0.5}}"),
    "slicer": at(
        "{start: true}", "{slicer: {size: 10, variation: 10, delay: 1ms}}", more=", for: {times: 2}"
    ),
    "as fast as anything": at("{start: true}", "{bandwidth: {rate: 1000000000}}"),
    "large pieces apart": at("{start: true}", "{slicer: {size: 32768, delay: 1ms}}"),
    "a tag of two words": at("{message: CREATE TABLE}", "reset"),
    "END is COMMIT": at("{message: END, side: reply, nth: 2, connection: 1}", "{hang: {keep: true}}"),
    "a protocol message": at("{message: CopyData}", "{truncate: {bytes: 0}}"),
    "case matters": at("{sql: '(?-i:INSERT) into [[a]'}", "{error: {sqlstate: 40001}}"),
    "a code that looks like a float": at("{message: COMMIT}", "{error: {sqlstate: 57E03, severity: FATAL}}"),
    "a code in quotes": at("{message: COMMIT}", "{error: {sqlstate: '08006', message: gone, detail: all}}"),
    "any method": at("{request: '* /api/{x}/v{n}'}", "bad_chunk", on="registry"),
    "a response": at(
        "{request: POST /predict}",
        "{respond: {status: 429, headers: {Retry-After: 2}, body: {error: {code: 1, why: null}, list: [1.5]}}}",
        on="labs",
    ),
    "slow": at("{request: GET /}", "{slow: {rate: 1, headers: true}}", on="labs"),
    "kill at a message": at(
        "{message: COMMIT, side: reply}", "{kill: {deliver: true}}", more=", for: {times: 2}"
    ),
    "kill at a time": fault("{when: {after: 2s}, inject: kill}"),
    "pause the workload": fault("{on: ingest, when: {start: true}, inject: pause, for: 1s}"),
    "disk full": fault("{when: {start: true}, inject: {disk_full: {path: state, bytes: 4096}}}"),
    "another disk full": fault("{when: {start: true}, inject: {disk_full: {path: /dev/shm/state}}}"),
    "back in time": fault("{when: {after: 1}, inject: {clock_jump: {by: -1h}}}"),
    "exactly once": expect("exactly_once: raw.icustays"),
    "logs": expect(
        "log: {level: ERROR, fields: [operation], matches: 'attempt \\d'}\n  - log: {fields: [a, b]}"
    ),
    "alerts": expect("alert: {severity: HIGH, component: database, channel: slack, within: 5s}"),
    "no alert": expect("alert: none\n  - no_leak: true\n  - duration: 1m\n  - recovers_within: 0.5"),
    "requests": expect("http: {on: labs, request: 'GET /results?id=1', body: ok}"),
}

IGNORED = {
    "nothing": "",
    "comments": "# nothing here\n",
    "a marker": "---\n",
    "another tool's": "x: &a {y: 1}\nz: *a\nz: !tag 2\n---\na: 1\n",
    "a list": "- a\n- b: {scenario: 1}\n",
    "a text": "scenario",
    "near one key": "scenarios: [a]\n",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken file.

    Args:
        text: what stands in it.
        place: line and column of the complaint.
        says: how the complaint begins, or a part of it.
        schema: whether the schema refuses it too; it knows nothing of what is declared.
    """

    text: str
    place: str
    says: str
    schema: bool = True


def known_only(text: str, place: str, says: str) -> Broken:
    """Return a file that only the reader refuses, which knows the configuration and more grammar."""
    return Broken(text, place, says, schema=False)


STEADY = HEAD + FAULTS + "steady_state:\n  - "

BROKEN = {
    "no YAML": Broken("scenario: [\n", "2:1", "this is no YAML"),
    "a colon in a text": Broken("scenario: Lost: half\n", "1:15", "a text that holds one needs quotes"),
    "a tab": Broken("scenario: Lost\n\tworkload: a\n", "2:1", ": indent with spaces"),
    "indented less": Broken(
        "scenario: Lost\nfaults:\n  - on: warehouse\n   when: {start: true}\n",
        "4:4",
        "this is no YAML: this line is indented unlike its neighbours: begin the keys",
    ),
    "indented more": Broken(
        "scenario: Lost\n  workload: ingest\n", "2:11", "this is no YAML: there is no place"
    ),
    "a list in a mapping": Broken("scenario: Lost\n- workload\n", "2:1", "this is no YAML: this line is"),
    "a bracket left open": Broken("scenario: {a: 1\nb: 2\n", "2:2", "this is no YAML: a bracket that was"),
    "a bracket too many": Broken("scenario: [a]]\n", "1:14", "this is no YAML: this bracket closes nothing"),
    "a key alone": Broken("scenario: a\nfaults\nb: 1\n", "3:1", "this is no YAML: the line above is a key"),
    "more after a quote": Broken("scenario: 'a' b\n", "1:15", "this is no YAML: something follows a text"),
    "a text that begins with @": Broken("scenario: @a\n", "1:11", "this is no YAML: a text cannot begin"),
    "a control character": Broken("scenario: a\nb: \x01\n", "2:4", "this is no YAML"),
    "an impossible escape": Broken('scenario: "\\UFFFFFFFF"\n', "1:1", "this is no YAML"),
    "half a character": known_only(top('runbook: "\\ud800"'), "7:10", "this holds half a character"),
    "too deep": Broken("scenario: " + "[" * 50, "1:42", "this is nested more than 32 deep"),
    "two documents": known_only(top("---\na: 1"), "8:1", "a file holds one scenario"),
    "a list of scenarios": Broken(
        f"- {HEAD.splitlines()[0]}\n", "1:1", "a file holds one scenario, as a mapping"
    ),
    "YAML 1.1": known_only(f"%YAML 1.1\n---\n{HEAD}{FAULTS}{EXPECT}", "2:1", "scenario files are YAML 1.2"),
    "an anchor": known_only(HEAD + FAULTS + "expect: &all\n  - exit: 0\n", "5:9", "&all is an anchor"),
    "an alias": Broken(top("proves: *all"), "7:9", "*all refers to an anchor"),
    "a tag": known_only(expect("exit: !!int 0"), "6:11", "tag:yaml.org,2002:int is a tag"),
    "a merge key": known_only(top("<<: {runbook: runbooks/database.md}"), "7:1", "<< merges mappings"),
    "a key twice": known_only(
        top("workload: ingest"), "7:1", "the key 'workload' is there already, in line 2"
    ),
    "a key of several": known_only(top("? [a, b]\n: 1"), "7:3", "a key is a text, not a list"),
    "no sentence": Broken(f"workload: ingest\n{FAULTS}{EXPECT}", "1:1", "this looks like a scenario"),
    "a misspelled sentence": Broken(
        f"scenaro: Lost\n{FAULTS}{EXPECT}", "1:1", "is it the one that is written 'scenaro'?"
    ),
    "two misspelled keys": Broken("Scenarios: a\nworklod: b\n", "1:1", "this looks like a scenario"),
    "a workload alone": Broken("workload: ingest\n", "1:1", "begin the file with `scenario: ...`"),
    "an empty sentence": Broken(f"scenario:\nworkload: ingest\n{FAULTS}{EXPECT}", "1:1", "scenario is empty"),
    "a blank sentence": Broken(
        f"scenario: ' '\nworkload: ingest\n{FAULTS}{EXPECT}", "1:11", "scenario is empty"
    ),
    "a number for a sentence": Broken(
        f"scenario: 1\nworkload: ingest\n{FAULTS}{EXPECT}", "1:11", "scenario is 1: put it in quotes"
    ),
    "no workload": Broken(f"scenario: Lost\n{FAULTS}{EXPECT}", "1:1", "a scenario needs 'workload'"),
    "an unknown key": Broken(
        top("runbok: a"), "7:1", "a scenario has no key 'runbok'; did you mean 'runbook'?"
    ),
    "an unknown workload": known_only(
        f"scenario: Lost\nworkload: ingst\n{FAULTS}{EXPECT}",
        "2:11",
        "workload: no workload is called 'ingst'; did",
    ),
    "no faults": Broken(HEAD + EXPECT, "1:1", "a scenario needs 'faults'"),
    "an empty list of faults": Broken(
        HEAD + "faults: []\n" + EXPECT, "3:9", "faults is an empty list: without"
    ),
    "faults without a list": Broken(
        HEAD + "faults: {on: warehouse}\n" + EXPECT, "3:9", "faults is a mapping"
    ),
    "no expectation": Broken(HEAD + FAULTS, "1:1", "a scenario needs 'expect'"),
    "an empty list of expectations": Broken(HEAD + FAULTS + "expect: []\n", "5:9", "expect is an empty list"),
    "expectations without a list": Broken(
        HEAD + FAULTS + "expect:\n  exit: 0\n", "6:3", "expect is a mapping: write a list"
    ),
    "an unknown item": Broken(
        top("proves: [backoff, brakers]"), "7:19", "proves is 'brakers'; did you mean 'breakers'"
    ),
    "an item's number": Broken(top("proves: [2]"), "7:10", "proves: item 2 is written 'backoff'"),
    "an item twice": Broken(top("proves: [backoff, backoff]"), "7:19", "proves has 'backoff' twice"),
    "an item without a list": Broken(top("proves: backoff"), "7:9", "proves is 'backoff': write a list"),
    "a runbook that is not there": known_only(
        top("runbook: runbooks/databse.md"), "7:10", "runbook: there is no file 'runbooks/databse.md' in"
    ),
    "a runbook outside": known_only(
        top("runbook: ../x.md"), "7:10", "runbook is '../x.md': it is a path below"
    ),
    "an absolute runbook": known_only(
        top("runbook: /etc/hosts"), "7:10", "runbook is '/etc/hosts': it is a path"
    ),
    "a folder for a runbook": known_only(top("runbook: runbooks"), "7:10", "runbook: there is no file"),
    "an empty fault": Broken(fault("{}"), "4:5", "a fault needs 'when'"),
    "a fault that is a text": Broken(fault("down"), "4:5", "a fault is 'down': write a mapping"),
    "no service": known_only(fault("{when: {start: true}, inject: down}"), "4:5", "the fault needs 'on'"),
    "an unknown service": known_only(
        at("{start: true}", "down", on="warehose"),
        "4:10",
        "on: no service is called 'warehose'; did you mean",
    ),
    "a service that its workload does not use": known_only(
        at("{start: true}", "down", on="labs").replace("ingest", "api"),
        "4:10",
        "on: faults on 'labs', which workload 'api' does not use: add it to its uses",
    ),
    "messages that its workload does not send": known_only(
        at("{request: GET /}", "kill", on="labs").replace("ingest", "api"),
        "4:10",
        "on: faults on 'labs', which workload 'api' does not use: add it to its uses",
    ),
    "a workload for a service": known_only(
        at("{start: true}", "down", on="ingest"), "4:10", "on: 'ingest' is a"
    ),
    "another workload": known_only(
        at("{start: true}", "kill", on="api"), "4:10", "on: 'api' does not run here"
    ),
    "a service is not killed": known_only(
        at("{start: true}", "kill"), "4:10", "on: kill acts on the workload"
    ),
    "a workload has no messages": known_only(
        at("{message: COMMIT}", "kill", on="ingest"), "4:10", "on: with message it is the service"
    ),
    "kill at a message of nobody": known_only(
        fault("{when: {message: COMMIT}, inject: kill}"), "4:5", "kill needs 'on', the service whose messages"
    ),
    "a trigger as a text": Broken(
        at("start", "down"), "4:27", "when is 'start': write a mapping, {start: true}"
    ),
    "no trigger": Broken(at("{side: reply}", "cut"), "4:27", "when takes exactly one of"),
    "two triggers": Broken(at("{rows: 1, message: COMMIT}", "cut"), "4:27", "when takes exactly one of"),
    "start is no switch": Broken(
        at("{start: false}", "down"), "4:35", "start is 'false': it can only be true"
    ),
    "a boolean of YAML 1.1": Broken(at("{start: yes}", "down"), "4:35", "start is 'yes'"),
    "a number of YAML 1.1": Broken(
        at("{rows: 1_000}", "cut"), "4:34", "rows is '1_000': it is a whole number"
    ),
    "rows below nothing": Broken(at("{rows: -1}", "cut"), "4:34", "rows is '-1': it goes from 0"),
    "half a row": Broken(at("{rows: 1.5}", "cut"), "4:34", "rows is '1.5': it is a whole number"),
    "the zeroth match": Broken(at("{sql: a, nth: 0}", "cut"), "4:41", "nth is '0': it goes from 1"),
    "side of rows": Broken(
        at("{rows: 1, side: reply}", "cut"), "4:37", "side goes with message, sql, request"
    ),
    "nth of start": Broken(
        at("{start: true, nth: 1}", "down"), "4:41", "nth goes with message, sql, request"
    ),
    "table of messages": Broken(at("{message: COPY, table: a}", "cut"), "4:43", "table goes with rows; this"),
    "a side that is none": Broken(
        at("{sql: a, side: Reply}", "cut"), "4:42", "side is 'Reply'; did you mean 'reply'?"
    ),
    "small letters": known_only(
        at("{message: commit}", "cut"), "4:37", "message is 'commit'; did you mean 'COMMIT'?"
    ),
    "a protocol message in small letters": known_only(
        at("{message: query}", "cut"), "4:37", "message is 'query'; did you mean 'Query'?"
    ),
    "an unknown message": known_only(at("{message: COMIT}", "cut"), "4:37", "did you mean 'COMMIT'?"),
    "a statement for a tag": known_only(
        at("{message: INSERT INTO raw}", "cut"),
        "4:37",
        "message is 'INSERT INTO raw'; did you mean 'INSERT'?",
    ),
    "a tag with its count": known_only(at("{message: INSERT 0 1}", "cut"), "4:37", "did you mean 'INSERT'?"),
    "a reply's name": known_only(
        at("{message: ReadyForQuery}", "cut"), "4:37", "message is 'ReadyForQuery', a reply"
    ),
    "a silent message": known_only(
        at("{message: Terminate, side: reply}", "cut"), "4:54", "Terminate gets no reply of its own"
    ),
    "no regular expression": known_only(
        at("{sql: 'insert ('}", "cut"), "4:33", "sql is 'insert (': no regular"
    ),
    "a method that is none": known_only(
        at("{request: PSOT /a}", "cut", on="labs"),
        "4:32",
        "request has the method 'PSOT'; did you mean 'POST'?",
    ),
    "a method in small letters": Broken(
        at("{request: get /a}", "cut", on="labs"), "4:32", "request has the method 'get'; did you mean 'GET'?"
    ),
    "a path alone": Broken(
        at("{request: /a}", "cut", on="labs"), "4:32", "request is '/a': write a method and"
    ),
    "a query in a path": Broken(
        at("{request: GET /a?b=1}", "cut", on="labs"), "4:32", "request is GET '/a?b=1': requests are told by"
    ),
    "half a brace": Broken(
        at("{request: 'GET /{a'}", "cut", on="labs"), "4:32", "request is GET '/{a': a brace"
    ),
    "rows of a web service": known_only(
        at("{rows: 1}", "cut", on="labs"), "4:29", "when: labs is http, and has no rows"
    ),
    "requests of a database": known_only(
        at("{request: GET /}", "cut"), "4:37", "when: warehouse is postgres, and"
    ),
    "messages of bytes": known_only(
        at("{message: COMMIT}", "down", on="queue"), "4:33", "when: queue is tcp, and has"
    ),
    "an unknown kind": Broken(
        at("{start: true}", "latncy"), "4:50", "inject: there is no fault kind 'latncy'; did"
    ),
    "two kinds": Broken(at("{start: true}", "{down: , cut: }"), "4:50", "inject has 2 keys: it takes one"),
    "a list of kinds": Broken(at("{start: true}", "[down]"), "4:50", "inject is a list: it takes one value"),
    "attributes left out": Broken(
        at("{start: true}", "latency"), "4:50", "latency needs 'delay': write {latency"
    ),
    "attributes left empty": Broken(
        at("{start: true}", "{latency: }"), "4:51", "latency is empty: write {latency"
    ),
    "a value for attributes": Broken(
        at("{sql: a}", "{delay: 300ms}"), "4:53", "delay is '300ms': write {delay: {by"
    ),
    "an unknown attribute": Broken(
        at("{start: true}", "{latency: {delya: 1}}"),
        "4:61",
        "latency has no key 'delya'; did you mean 'delay'?",
    ),
    "attributes of what has none": Broken(
        at("{start: true}", "{down: {toxicity: 0.5}}"), "4:58", "down has no key 'toxicity'; it takes none"
    ),
    "a toxicity of two": Broken(
        at("{start: true}", "{timeout: {toxicity: 2}}"), "4:71", "toxicity is '2': it is a probability"
    ),
    "a toxicity of nothing": known_only(
        at("{start: true}", "{timeout: {toxicity: 0}}"), "4:71", "toxicity is 0: the fault would act on no"
    ),
    "faster than anything": known_only(
        at("{start: true}", "{bandwidth: {rate: 1000000001}}"),
        "4:69",
        "rate is 1000000001: nothing here is faster",
    ),
    "a trickle faster than anything": known_only(
        at("{request: GET /}", "{slow: {rate: 9000000000}}", on="labs"), "4:62", "rate is 9000000000: nothing"
    ),
    "pieces that data comes in anyway": known_only(
        at("{start: true}", "{slicer: {size: 32768}}"), "4:66", "size is 32768: data comes in pieces of 32768"
    ),
    "pieces that may be as large": known_only(
        at("{start: true}", "{slicer: {size: 20000, variation: 12768}}"),
        "4:66",
        "size is 20000: data comes in",
    ),
    "a negative delay": Broken(
        at("{start: true}", "{latency: {delay: -1}}"), "4:68", "delay is -1: it cannot be"
    ),
    "an unknown unit": Broken(
        at("{start: true}", "{latency: {delay: 1d}}"), "4:68", "delay is '1d': write seconds"
    ),
    "endless": Broken(at("{start: true}", "{latency: {delay: .inf}}"), "4:68", "delay is inf: it has no end"),
    "bytes with a unit": Broken(
        at("{start: true}", "{bandwidth: {rate: 1k}}"), "4:69", "rate is '1k': it is a whole"
    ),
    "pieces of nothing": Broken(
        at("{start: true}", "{slicer: {size: 0}}"), "4:66", "size is '0': it goes from 1"
    ),
    "pieces below nothing": known_only(
        at("{start: true}", "{slicer: {size: 2, variation: 3}}"), "4:80", "variation is at most size"
    ),
    "a cut at no message": known_only(
        at("{after: 1s}", "cut"), "4:27", "when: cut acts at a message: say which"
    ),
    "an error of a web service": known_only(
        at("{request: GET /}", "{error: {sqlstate: 40001}}", on="labs"),
        "4:48",
        "inject: error is for postgres, and",
    ),
    "a cut of bytes": known_only(
        at("{start: true}", "cut", on="queue"), "4:46", "inject: cut is for postgres, mlflow"
    ),
    "a short code": known_only(
        at("{sql: a}", "{error: {sqlstate: 4001}}"), "4:64", "sqlstate is '4001': it is the"
    ),
    "a code in small letters": Broken(
        at("{sql: a}", "{error: {sqlstate: 57p01}}"), "4:64", "such as 40001; did you mean '57P01'?"
    ),
    "no error": Broken(
        at("{sql: a}", "{error: {sqlstate: '00000'}}"), "4:64", "sqlstate is '00000': it is the five"
    ),
    "an error that nobody reads": known_only(
        at("{message: Terminate}", "{error: {sqlstate: 40001}}"), "4:37", "nobody reads an error in answer"
    ),
    "a status of nobody": Broken(
        at("{request: GET /}", "{respond: {status: 600}}", on="labs"),
        "4:67",
        "status is '600': it goes from 200 to 599",
    ),
    "a header in two lines": Broken(
        at("{request: GET /}", '{respond: {status: 200, headers: {A: "b\\nc"}}}', on="labs"),
        "4:85",
        "A is 'b\\nc'",
    ),
    "a header with a blank": Broken(
        at("{request: GET /}", "{respond: {status: 200, headers: {a b: c}}}", on="labs"),
        "4:82",
        "'a b' is no name",
    ),
    "a number that JSON lacks": known_only(
        at("{request: GET /}", "{respond: {status: 200, body: [.nan]}}", on="labs"),
        "4:79",
        "body holds .nan: JSON",
    ),
    "a kill for a while": known_only(
        at("{sql: a}", "kill", more=", for: 2s"), "4:56", "for: a kill happens at once"
    ),
    "no time at all": Broken(
        at("{start: true}", "down", more=", for: 0s"), "4:61", "for is '0s': it has to be more"
    ),
    "for ever": Broken(
        at("{start: true}", "down", more=", for: ever"), "4:61", "for is 'ever': write a duration"
    ),
    "no times": Broken(
        at("{start: true}", "down", more=", for: {times: 0}"), "4:69", "times is '0': it goes from 1"
    ),
    "times of a clock": known_only(
        fault("{when: {start: true}, inject: pause, for: {times: 2}}"), "4:47", "for: times counts messages"
    ),
    "a message of a clock": known_only(
        fault("{when: {start: true}, inject: {kill: {deliver: true}}}"),
        "4:52",
        "deliver: there is no message",
    ),
    "a delay of nothing": Broken(
        at("{message: COMMIT}", "{delay: {by: 0ms}}"), "4:67", "by is '0ms': it has to be more"
    ),
    "a slow close of nothing": Broken(
        at("{start: true}", "{slow_close: {delay: 0}}"), "4:71", "delay is '0': it has to be more"
    ),
    "a latency of nothing": known_only(
        at("{start: true}", "{latency: {delay: 0, jitter: 0s}}"),
        "4:68",
        "delay is 0, and there is no jitter: the fault would change nothing",
    ),
    "a jump of nothing": Broken(
        fault("{when: {start: true}, inject: {clock_jump: {by: 0}}}"), "4:53", "by is '0': it has to be more"
    ),
    "a disk outside of the run": known_only(
        fault("{when: {start: true}, inject: {disk_full: {path: state/../../etc}}}"),
        "4:54",
        "path is 'state/../../etc', which leads out",
    ),
    "a check of two": Broken(STEADY + "{sql: , http: }\n", "6:5", "a check has 2 keys: it takes one"),
    "a check that is none": Broken(
        STEADY + "exit: 0\n", "6:5", "a check has no key 'exit'; known are sql, http"
    ),
    "a query without an answer": Broken(
        STEADY + "sql: {on: warehouse, query: a}\n", "6:10", "sql needs 'equals'"
    ),
    "an answer that is a list": Broken(
        STEADY + "sql: {on: warehouse, query: a, equals: [1]}\n",
        "6:44",
        "equals is a list: a query is compared",
    ),
    "an empty answer": known_only(
        STEADY + "sql: {on: warehouse, query: a, equals: }\n", "6:36", "equals is empty: write null for NULL"
    ),
    "a query of a web service": known_only(
        STEADY + "sql: {on: labs, query: a, equals: 1}\n",
        "6:15",
        "on: labs is http; this goes to postgres, here",
    ),
    "a request of two": Broken(
        STEADY.replace("ingest", "api") + "http: {on: labs, workload: api, request: GET /}\n",
        "6:11",
        "http takes one of on",
    ),
    "a request of nobody": Broken(STEADY + "http: {request: GET /}\n", "6:11", "http takes one of on"),
    "a request of a job": known_only(
        STEADY + "http: {workload: ingest, request: GET /}\n",
        "6:22",
        "workload: 'ingest' is a job, and answers no",
    ),
    "any request": Broken(
        STEADY + "http: {on: labs, request: '* /'}\n", "6:31", "request has the method '*'"
    ),
    "an unknown expectation": Broken(
        expect("exits: 0"), "6:5", "an expectation has no key 'exits'; did you mean"
    ),
    "an exit beyond": Broken(expect("exit: 256"), "6:11", "exit is '256': it is a status from 0 to 255"),
    "an exit that is a text": Broken(expect("exit: '0'"), "6:11", "exit is '0': it is a status"),
    "an exit that is a signal": Broken(
        expect("exit: -9"), "6:11", "exit is '-9': it is a status from 0 to 255 (128"
    ),
    "two exits": Broken(expect("exit: 0\n  - exit: 1"), "7:5", "exit is expected already, in line 6"),
    "two durations": Broken(expect("duration: 1\n  - duration: 1"), "7:5", "duration is expected already"),
    "a table that is not declared so": known_only(
        expect("exactly_once: raw.icustay"), "6:19", "exactly_once: workload 'ingest' declares no table"
    ),
    "a log of nothing": Broken(expect("log: {}"), "6:10", "log is empty: say which records"),
    "a level that is none": Broken(
        expect("log: {level: WARN}"), "6:18", "level is 'WARN'; did you mean 'WARNING'?"
    ),
    "a level in small letters": Broken(
        expect("log: {level: error}"), "6:18", "level is 'error'; did you mean 'ERROR'?"
    ),
    "fields without a list": Broken(expect("log: {fields: a}"), "6:19", "fields is 'a': write a list"),
    "a field twice": Broken(expect("log: {fields: [a, a]}"), "6:23", "fields has 'a' twice"),
    "no alert, misspelled": Broken(expect("alert: None"), "6:12", "alert is 'None': did you mean 'none'?"),
    "an alert of nothing": Broken(expect("alert: {}"), "6:12", "alert is empty: say which"),
    "an unknown channel": Broken(
        expect("alert: {channel: mail}"), "6:22", "channel is 'mail'; did you mean 'email'?"
    ),
    "an alert and none": known_only(
        expect("alert: none\n  - alert: {channel: slack}"), "6:3", "alert: none allows no other alert"
    ),
    "no recovery at all": Broken(
        expect("recovers_within: 0"), "6:22", "recovers_within is '0': it has to be more"
    ),
    "leaks allowed": Broken(expect("no_leak: false"), "6:14", "no_leak is 'false': it can only be true"),
}
