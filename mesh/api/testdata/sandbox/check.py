"""Plays the "Check for National Data Opt-outs" service, for tests. It knows who opted out from a file.

By hand, from file to file:

    check.py file REQUEST.dat -o REPLY.dat --opted-out FILE [--crlf]

Over MESH, from the mailbox of the service, until it is ended, or with --once until the inbox is empty:

    check.py serve --url URL --opted-out FILE
        [--mailbox X26HC065] [--password password] [--shared-key TestKey]
        [--cert PEM --key PEM --ca PEM]     with TLS
        [--gzip] [--chunk BYTES]            how the list comes back
        [--every SECONDS] [--once]

FILE has a number on each line, with or without a comma. It is read again for each request.

Each request is answered with a receipt (subject SUCCESS, JSON) and with the list (subject and local
id of the request), and is then acknowledged; service.py sends the report COLLECT for that. A request
with a number that is not valid is answered with the one line that the service has for it, and so is
one whose local id ends in -INVALID. The reply has the order of the request, and LF.
"""

import argparse
import json
import sys
import time

INVALID = b"The file contains one or more invalid NHS Numbers."


def valid(number):
    """Ten digits with the right check digit, and not all the same."""
    if len(number) != 10 or not number.isdigit() or len(set(number)) == 1:
        return False
    check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1))) % 11
    return check % 11 == int(number[9]) and check != 10


def numbers(text):
    return [line.strip().rstrip(",") for line in text.splitlines() if line.strip()]


def answer(request, opted_out, invalid=False, end="\n"):
    """The cleaned list for a request, or the line for a request that is refused. Both are bytes."""
    try:
        asked = numbers(request.decode("ascii"))
    except UnicodeDecodeError:
        return INVALID
    if invalid or not asked or not all(valid(number) for number in asked):
        return INVALID
    return "".join(f"{number},{end}" for number in asked if number not in opted_out).encode()


def read_opted_out(path):
    with open(path, encoding="ascii") as file:
        return set(numbers(file.read()))


def answer_file(options):
    with open(options.request, "rb") as file:
        request = file.read()
    reply = answer(
        request, read_opted_out(options.opted_out), end="\r\n" if options.crlf else "\n"
    )
    with open(options.output, "wb") as file:
        file.write(reply)


def answer_message(client, message, options):
    """Answers a message as the service does. The caller acknowledges it."""
    back = {
        "recipient": message.sender,
        "workflow_id": message.workflow_id,
        "local_id": message.local_id,
    }
    request = message.read()
    reply = answer(
        request,
        read_opted_out(options.opted_out),
        invalid=(message.local_id or "").endswith("-INVALID"),
    )
    receipt = {"status": "SUCCESS", "localId": message.local_id, "messageId": message.message_id}
    client.send_message(
        data=json.dumps(receipt).encode(), subject="SUCCESS", filename="receipt.json", **back
    )
    if not reply:
        reply = b"\n"  # MESH carries no empty message
    client.send_message(
        data=reply,
        subject=message.subject,
        filename=message.filename,
        compress=options.gzip,
        max_chunk_size=options.chunk,
        **back,
    )


def serve(options):
    from mesh_client import MeshClient  # not needed for files

    with MeshClient(
        options.url,
        options.mailbox,
        options.password,
        shared_key=options.shared_key.encode(),
        cert=(options.cert, options.key) if options.cert else None,
        verify=options.ca,
    ) as client:
        while True:
            for id in client.list_messages():
                message = client.retrieve_message(id)
                if message.message_type == "DATA":
                    answer_message(client, message, options)
                client.acknowledge_message(id)
                print("answered", id, flush=True)
            if options.once:
                return
            time.sleep(options.every)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)

    file = commands.add_parser("file")
    file.add_argument("request")
    file.add_argument("-o", dest="output", required=True)
    file.add_argument("--opted-out", required=True)
    file.add_argument("--crlf", action="store_true")
    file.set_defaults(run=answer_file)

    mesh = commands.add_parser("serve")
    mesh.add_argument("--url", required=True)
    mesh.add_argument("--opted-out", required=True)
    mesh.add_argument("--mailbox", default="X26HC065")
    mesh.add_argument("--password", default="password")
    mesh.add_argument("--shared-key", default="TestKey")
    for name in ("--cert", "--key", "--ca"):
        mesh.add_argument(name)
    mesh.add_argument("--gzip", action="store_true")
    mesh.add_argument("--chunk", type=int, default=None)
    mesh.add_argument("--every", type=float, default=0.2)
    mesh.add_argument("--once", action="store_true")
    mesh.set_defaults(run=serve)

    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    sys.exit(main())
