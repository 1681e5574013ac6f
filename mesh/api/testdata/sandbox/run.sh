#!/bin/sh
# Runs a command with NHS England's mesh-sandbox beside it, and without one the tests that want it.
# Usage: run.sh [COMMAND [ARGUMENT...]]. It makes its own virtual environment under bench/ (ignored by
# git), once. The command finds in its environment:
#   MESH_SANDBOX          http://…: the sandbox as it is, in memory, with X26ABC1, X26ABC2 and X26ABC3
#   MESH_SANDBOX_TLS     https://…: the sandbox with client certificates (service.py), with X26HC065
#                         too, which check.py answers: the national check
#   MESH_SANDBOX_DIR     ca.pem, client.pem, client.key, stranger.pem, stranger.key; password and
#                         shared-key, as files; optedout.txt, which says who has opted out: the command
#                         may write it anew
#   MESH_SANDBOX_PYTHON  a Python that has mesh-client
# The password of every mailbox is "password", and the shared key "TestKey".
set -eu
cd "$(dirname "$0")/../../../.."
here=$PWD/mesh/api/testdata/sandbox

venv=$PWD/bench/mesh-venv
testdata/venv.sh "$venv" "$here/requirements.txt"
python=$venv/bin/python

work=$(mktemp -d)
started=
stop() {
	for pid in $started; do
		kill "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# free prints a port that nobody listens on.
free() {
	"$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await URL LOG [curl's options, as Python's] waits until a sandbox answers.
await() {
	"$python" - "$1" "$work" << 'END' || { cat "$2"; echo "mesh-sandbox does not answer"; exit 1; }
import ssl, sys, time, urllib.request
url, work = sys.argv[1:]
context = None
if url.startswith("https:"):
    context = ssl.create_default_context(cafile=work + "/ca.pem")
    context.load_cert_chain(work + "/client.pem", work + "/client.key")
for _ in range(300):
    try:
        urllib.request.urlopen(url + "/health", context=context, timeout=5)
        sys.exit(0)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
END
}

"$python" "$here/certificates.py" "$work"
umask 077
echo password > "$work/password"
echo TestKey > "$work/shared-key"
: > "$work/optedout.txt"
mkdir -p "$work/mailboxes/X26HC065/in"

plain=$(free)
STORE_MODE=memory SHARED_KEY=TestKey "$venv/bin/uvicorn" mesh_sandbox.api:app \
	--host 127.0.0.1 --port "$plain" --workers 1 > "$work/plain.log" 2>&1 &
started="$started $!"
secure=$(free)
STORE_MODE=file MAILBOXES_DATA_DIR="$work/mailboxes" AUTH_MODE=full SHARED_KEY=TestKey \
	"$venv/bin/uvicorn" service:app --app-dir "$here" \
	--host 127.0.0.1 --port "$secure" --workers 1 \
	--ssl-certfile "$work/server.pem" --ssl-keyfile "$work/server.key" \
	--ssl-ca-certs "$work/ca.pem" --ssl-cert-reqs 2 > "$work/secure.log" 2>&1 &
started="$started $!"
await "http://127.0.0.1:$plain" "$work/plain.log"
await "https://127.0.0.1:$secure" "$work/secure.log"
"$python" "$here/check.py" serve --url "https://127.0.0.1:$secure" --opted-out "$work/optedout.txt" \
	--cert "$work/client.pem" --key "$work/client.key" --ca "$work/ca.pem" \
	--gzip > "$work/check.log" 2>&1 &
started="$started $!"

export MESH_SANDBOX="http://127.0.0.1:$plain" MESH_SANDBOX_TLS="https://127.0.0.1:$secure"
export MESH_SANDBOX_DIR="$work" MESH_SANDBOX_PYTHON="$python"
if [ $# -eq 0 ]; then
	set -- go test -count=1 -run '^TestSandbox' ./mesh/... ./cmd/noo
fi
status=0
"$@" || status=$?
if [ $status -ne 0 ]; then
	for log in plain secure check; do
		echo "the end of $log.log:"
		tail -n 30 "$work/$log.log"
	done
fi
exit $status
