"""A second opinion on MESH messages: NHS England's own mesh-client sends and receives them.

    opinion.py send URL MAILBOX TO FILE [--gzip] [--chunk BYTES] [--local-id TEXT] [TLS]
    opinion.py receive URL MAILBOX ID FILE [TLS]

send prints the id of the message. receive writes the body to FILE, prints the headers as JSON, and
does not acknowledge. TLS is --cert PEM --key PEM --ca PEM.
"""

import argparse
import json
import shutil

from mesh_client import MeshClient


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["send", "receive"])
    for name in ("url", "mailbox", "other", "file"):
        parser.add_argument(name)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--local-id", default="OPINION-1")
    for name in ("--cert", "--key", "--ca"):
        parser.add_argument(name)
    o = parser.parse_args()
    with MeshClient(
        o.url,
        o.mailbox,
        "password",
        shared_key=b"TestKey",
        cert=(o.cert, o.key) if o.cert else None,
        verify=o.ca,
    ) as client:
        if o.command == "send":
            with open(o.file, "rb") as file:
                print(
                    client.send_message(
                        o.other,
                        file,
                        max_chunk_size=o.chunk,
                        compress=o.gzip,
                        workflow_id="SPINE_NTT_UPHOLDING",
                        local_id=o.local_id,
                        subject=o.local_id,
                        filename="opinion.dat",
                    )
                )
            return
        message = client.retrieve_message(o.other)
        with open(o.file, "wb") as file:
            shutil.copyfileobj(message, file)
        names = ("workflow_id", "local_id", "subject", "filename", "sender", "message_type")
        print(json.dumps({name: getattr(message, name) for name in names}))


if __name__ == "__main__":
    main()
