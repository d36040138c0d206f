"""The names of PostgreSQL's messages (documentation, chapter 54.7)."""

from __future__ import annotations

REQUESTS = {
    ord("B"): "Bind",
    ord("C"): "Close",
    ord("d"): "CopyData",
    ord("c"): "CopyDone",
    ord("f"): "CopyFail",
    ord("D"): "Describe",
    ord("E"): "Execute",
    ord("H"): "Flush",
    ord("F"): "FunctionCall",
    ord("P"): "Parse",
    ord("p"): "Password",
    ord("Q"): "Query",
    ord("S"): "Sync",
    ord("X"): "Terminate",
}
REPLIES = {
    ord("R"): "Authentication",
    ord("K"): "BackendKeyData",
    ord("2"): "BindComplete",
    ord("3"): "CloseComplete",
    ord("C"): "CommandComplete",
    ord("d"): "CopyData",
    ord("c"): "CopyDone",
    ord("G"): "CopyInResponse",
    ord("H"): "CopyOutResponse",
    ord("W"): "CopyBothResponse",
    ord("D"): "DataRow",
    ord("I"): "EmptyQueryResponse",
    ord("E"): "ErrorResponse",
    ord("V"): "FunctionCallResponse",
    ord("v"): "NegotiateProtocolVersion",
    ord("n"): "NoData",
    ord("N"): "NoticeResponse",
    ord("A"): "NotificationResponse",
    ord("t"): "ParameterDescription",
    ord("S"): "ParameterStatus",
    ord("1"): "ParseComplete",
    ord("s"): "PortalSuspended",
    ord("Z"): "ReadyForQuery",
    ord("T"): "RowDescription",
}
UNASKED = frozenset(b"NAS")
"""Replies that may come at any time and answer nothing (chapter 54.2.7)."""

TRIGGERS = (
    "Startup",
    "Query",
    "Parse",
    "Bind",
    "Describe",
    "Execute",
    "Close",
    "Flush",
    "Sync",
    "CopyData",
    "CopyDone",
    "CopyFail",
    "FunctionCall",
    "Terminate",
)
"""What a fault may be set at, by its name in the protocol; everything else is a command tag."""
