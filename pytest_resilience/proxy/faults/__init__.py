"""Faults at exact messages: what the engine does beyond Toxiproxy, and the JSON API that commands it.

All paths start with `/resilience`, which no Toxiproxy client uses. Bodies are JSON both ways; keys are as written
(case counts), unknown keys are refused. Errors are `{"error": text, "status": number}`; 400 bad request, 404 not
found, 405 wrong verb, 409 conflict. Durations are seconds, sizes are bytes. Every call answers at once, whatever
the data plane does. `{p}` is a proxy's name, percent-encoded.

    GET    /resilience                          {"api": 1, "now": seconds, "time": epoch}
    GET    /resilience/proxies/{p}              Watch
    PUT    /resilience/proxies/{p}              Watch; from the next connection on
    GET    /resilience/proxies/{p}/faults       {"faults": [Fault, ...]} in the order added, healed ones too
    POST   /resilience/proxies/{p}/faults       201 Fault
    DELETE /resilience/proxies/{p}/faults       {"faults": [Fault, ...]}: heals all, and keeps them listed
    GET    /resilience/proxies/{p}/faults/{id}  Fault
    DELETE /resilience/proxies/{p}/faults/{id}  Fault: heals it; safe to call twice
    GET    /resilience/receipts                 {"receipts": [Receipt, ...], "next": N}
    GET    /resilience/proxies/{p}/trace        {"trace": [Entry, ...], "next": N, "lost": number}
    GET    /resilience/holds                    {"holds": [Hold, ...]}: messages that wait for a decision
    POST   /resilience/holds/{id}               Hold; {"decision": "deliver"|"drop"|"cut"|"reset"} or {"lease": seconds}

`receipts` and `trace` take `?since=N` (ids greater than N; default 0: all that is kept), receipts also `proxy=` and
`fault=`. With `stream=1` the reply is `application/x-ndjson`, chunked, one object a line: what is kept first, then
each new one as it happens, an empty line every second as a sign of life, until the client closes.

Watch: `{"proxy": name, "protocol": "postgres"|"http"|null, "tls": {"certificate": file, "key": file}|null,
"upstream_tls": {"ca": file|null, "server_name": text|null, "verify": bool}|null, "connections": number}`; PUT takes
all but `proxy` and `connections`; what is left out keeps its value. `protocol` null passes bytes unparsed.
`tls`: the client may, and for `http` must, speak TLS to the proxy. `upstream_tls`: the proxy speaks TLS upstream.

Fault, to POST: `{"id": text (optional), "kind": ..., "attributes": {...}, "when": {...}, "times": number|null}`; `times`
is how many matches from the `nth` on it acts on (default 1, null is all). In the reply every default is written out, and
`"proxy"`, `"state": "armed"|"acting"|"spent"|"healed"`, `"seen"` (matches counted), `"fired"` (receipts left),
`"added_at"` are added. `when` holds exactly one trigger:

    {"start": true}                    every message in either direction
    {"after": 2.0}                     the same, from so long after the proxy's first connection
    {"rows": 100, "table": "raw.t"}    see below; `table` is optional
    {"message": "COMMIT"}              a command tag, or Startup, Query, Parse, Bind, Describe, Execute, Close, Flush, Sync,
                                       CopyData, CopyDone, CopyFail, FunctionCall, Terminate
    {"sql": "insert into raw"}         a regular expression, searched ignoring case
    {"request": "POST /runs/{id}"}     method (`*`: any) and path template

and, beside it, `"side": "request"|"reply"` (default request; not with start, after, rows), `"nth": 1` (counted from
when the fault was added), `"connection": number` (the proxy's own number, from 1), for postgres `"application_name"`
(text, as it is) and `"transaction": "idle"|"open"|"failed"`, for HTTP requests `"headers": {name: regex}` and `"body":
regex`, all of which must match. `headers` and `body` are the request's, whatever the side.

Kinds and attributes (defaults after `=`):

    cut, reset                         FIN, RST on both sides
    hang      keep=false               both directions stop; the client's close still reaches the server
    delay     by                       the message, and what follows in its direction, waits so long
    truncate  bytes                    so much of the message is forwarded, then FIN on both sides
    error     sqlstate, severity=null, message="...", detail=null      postgres; null severity: ERROR, or FATAL
                                       for 57P01-57P03 and 08*, and at Startup
    respond   status=500, headers={}, body="" (text, or any other JSON value: sent as JSON)           http
    slow      rate, headers=false      http: the reply's body (with true its head too) at so many bytes a second
    bad_chunk                          http: the reply breaks off in an invalid chunk
    hold      lease=30.0               the message, and what follows in its direction, waits for a decision; if the
                                       lease runs out it is delivered, and the receipt's `decision` says `expired`

Receipt: `{"id": N, "fault": id, "kind": ..., "proxy": name, "at": seconds since the engine started, "time": epoch,
"connection": number, "client_port": number, "message": text, "side": ..., "nth": number, "hold": id|null,
"decision": null|"deliver"|"drop"|"cut"|"reset"|"expired"|"healed"}`.
Hold: `{"id": N, "receipt": N, "fault": id, "proxy": name, "connection": number, "client_port": number, "message": text,
"side": ..., "expires_at": seconds since the engine started, "client_gone": bool, "decision": as above}`. While it
waits, the client's close is noted (`client_gone`) but not passed on. A decided hold stays readable by its id for a while; to
decide it again the same way is allowed, another way is a 409.
Entry: `{"id": N, "at": seconds, "connection": number, "direction": "request"|"reply"|"-", "message": text, "shape":
text|null, "bytes": number, "count": number, "transaction": "I"|"T"|"E"|null, "fault": id|null}`. Runs of DataRow and
CopyData are one entry with their `count`. Notices (`connected`, `closed`, `opaque: why`, ...) have the direction
`-`. Shapes are SQL with every literal replaced by `?`, and HTTP paths without query and identifiers: no data leaves the
engine through traces or receipts.

Healing ends a fault, and what it holds: a delay and a hold are delivered, a hang with `keep` is delivered, one without
goes on with the next whole message, a slow reply goes on at full speed.

Rows: COPY lines count as they pass, and the fault acts before the message that would carry row N+1; INSERT and MERGE count
at the reply whose running total reaches N, and the fault acts on that reply. `rows` counts from when the fault was added, over
all connections.
"""
