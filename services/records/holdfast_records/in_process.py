"""The service inside another process, for evaluations in text: what would stand in the tables after a call.

`holdfast eval` finds this module by its name, as `holdfast up` finds a service's process.
"""

from __future__ import annotations

from typing import Any

from holdfast_common.call_log import LogEntry

from holdfast_records.domain.rows import RawEntry, derive


def records_of(call: str, entries: list[LogEntry]) -> dict[str, list[dict[str, Any]]]:
    """Kind of record -> its rows, as `records` derives them from the call's log."""
    rows = derive(RawEntry(call, entry.sequence, entry.subject, entry.data) for entry in entries)
    found: dict[str, list[dict[str, Any]]] = {}
    if rows is None:
        return found
    if rows.lead and (rows.lead.name or rows.lead.email or rows.lead.signals):
        lead = rows.lead
        found["lead_saved"] = [{"name": lead.name, "email": lead.email, "company": lead.company, **lead.signals}]
    for note in rows.notes:
        found.setdefault(note.kind, []).append({"number": note.number, **note.values})
    return found
