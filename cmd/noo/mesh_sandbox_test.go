package main

// The commands of noo mesh against NHS England's mesh-sandbox. make mesh starts it: see
// mesh/api/testdata/sandbox/run.sh. Without it, these tests are left out.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSandboxCommands(t *testing.T) {
	url, dir := os.Getenv("MESH_SANDBOX_TLS"), os.Getenv("MESH_SANDBOX_DIR")
	if url == "" {
		t.Skip("no mesh-sandbox: run make mesh")
	}
	t.Setenv("NOO_STATE_DIR", t.TempDir())
	for variable, name := range map[string]string{
		"NOO_MESH_PASSWORD_FILE": "password", "NOO_MESH_SHARED_KEY_FILE": "shared-key", "NOO_MESH_CA": "ca.pem",
		"NOO_MESH_CLIENT_CERT": "client.pem", "NOO_MESH_CLIENT_KEY": "client.key",
	} {
		t.Setenv(variable, filepath.Join(dir, name))
	}
	t.Setenv("NOO_MESH_API", url)
	t.Setenv("NOO_MESH_MAILBOX", "X26ABC1")
	stranger := "--client-cert " + filepath.Join(dir, "stranger.pem") + " --client-key " + filepath.Join(dir, "stranger.key")
	for _, c := range []struct {
		args string
		code int
		said string
	}{
		{"", 0, "mailbox X26ABC1: password, shared key and certificate (until "},
		{"--mailbox X26HC065", 0, "mailbox X26HC065: password, shared key and certificate (until "},
		{"--mailbox X26NONE", 5, "noo: mailbox X26NONE: the mailbox seems wrong (403, MESH error EPL-151: No mailbox matched)"},
		{"--shared-key-file " + filepath.Join(dir, "password"), 5, "noo: mailbox X26ABC1: the password or the shared key seems wrong"},
		{stranger, 5, "the client certificate"},
		{stranger, 5, "; check --client-cert and --client-key"},
		{"--ca " + filepath.Join(dir, "stranger.pem"), 5, "the certificate of the service is not trusted: an unknown authority signed it; name"},
	} {
		code, said := runCommand(append([]string{"mesh", "handshake"}, strings.Fields(c.args)...))
		if code != c.code || !strings.Contains(said, c.said) || strings.Contains(said, "TestKey") {
			t.Errorf("%s: exit code %d, %s", c.args, code, said)
		}
	}
}
