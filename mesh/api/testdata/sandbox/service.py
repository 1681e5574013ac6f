"""NHS England's mesh-sandbox with the report that MESH sends when a message was collected.

    uvicorn service:app --port PORT

It is the sandbox as it comes from PyPI, with one plugin. When the mailbox of the national check
acknowledges a message, its sender gets a message of type REPORT: event COLLECT, code 00, success. The
sandbox has no such report of its own: its admin address makes reports of errors only.
"""

import os
import uuid

from fastapi import BackgroundTasks
from mesh_sandbox.api import app
from mesh_sandbox.common.constants import Headers
from mesh_sandbox.dependencies import get_messaging
from mesh_sandbox.handlers.inbox import InboxHandler
from mesh_sandbox.models.message import (
    Message,
    MessageEvent,
    MessageMetadata,
    MessageParty,
    MessageStatus,
    MessageType,
)

__all__ = ["app"]

CHECK = os.environ.get("CHECK_MAILBOX", "X26HC065")


class CollectedPlugin:
    triggers = ["after_acknowledge_message"]

    async def on_event(self, event, kwargs, error=None):
        collected = kwargs["message"]
        if collected.recipient.mailbox_id != CHECK:
            return
        report = Message(
            events=[
                MessageEvent(status=MessageStatus.ACCEPTED),
                MessageEvent(
                    status=MessageStatus.ERROR,
                    event="COLLECT",
                    code="00",
                    description="Message collected by recipient",
                    linked_message_id=collected.message_id,
                ),
            ],
            message_id=uuid.uuid4().hex.upper(),
            sender=MessageParty(mailbox_id=""),
            recipient=collected.sender,
            total_chunks=0,
            message_type=MessageType.REPORT,
            workflow_id=collected.workflow_id,
            metadata=MessageMetadata(
                subject=collected.metadata.subject,
                local_id=collected.metadata.local_id,
                file_name=collected.metadata.file_name,
            ),
        )
        await get_messaging().send_message(
            message=report, body=b"", background_tasks=BackgroundTasks()
        )


def with_success(status_headers):
    """The sandbox says ERROR in every report. Code 00 is none."""

    def headers(message):
        found = status_headers(message)
        if found.get(Headers.Mex_StatusCode) == "00":
            found[Headers.Mex_StatusSuccess] = "SUCCESS"
        return found

    return staticmethod(headers)


InboxHandler._get_status_headers = with_success(InboxHandler._get_status_headers)
get_messaging().register_plugin(CollectedPlugin)
