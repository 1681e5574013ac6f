//go:build unix

package main

// The commands of noo mesh against NHS England's mesh-sandbox. make mesh starts it: see
// mesh/api/testdata/sandbox/run.sh. Without it, these tests are left out.

import (
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"noo/internal/nhsnumber"
	"noo/mesh"
	"noo/mesh/api"
	meshcontrol "noo/mesh/control"
)

// trust is an organisation with a mailbox and an extract, and no list.
type trust struct {
	t       *testing.T
	dir     string // where it works
	sandbox string // what the sandbox gave it
	env     []string
	said    strings.Builder // all that noo said
}

// newTrust skips the test where there is no sandbox.
func newTrust(t *testing.T) *trust {
	t.Helper()
	url, sandbox := os.Getenv("MESH_SANDBOX_TLS"), os.Getenv("MESH_SANDBOX_DIR")
	if url == "" {
		t.Skip("no mesh-sandbox: run make mesh")
	}
	tr := &trust{t: t, dir: t.TempDir(), sandbox: sandbox}
	tr.env = []string{
		"NOO_MESH_API=" + url, "NOO_MESH_MAILBOX=X26ABC2", "NOO_MESH_POLL=200ms",
		"NOO_MESH_PASSWORD_FILE=" + filepath.Join(sandbox, "password"),
		"NOO_MESH_SHARED_KEY_FILE=" + filepath.Join(sandbox, "shared-key"),
		"NOO_MESH_CLIENT_CERT=" + filepath.Join(sandbox, "client.pem"),
		"NOO_MESH_CLIENT_KEY=" + filepath.Join(sandbox, "client.key"),
		"NOO_MESH_CA=" + filepath.Join(sandbox, "ca.pem"),
	}
	tr.write("extract.csv", "id,nhs_number\n1,9434765919\n2,983 604 4507\n3,\n4,9995609649\n5,9434765919\n")
	if err := os.WriteFile(filepath.Join(sandbox, "optedout.txt"), []byte("9836044507\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr.run("noo key generate --name publisher --no-password")
	tr.env = append(tr.env, "NOO_TRUSTED_KEYS="+filepath.Join(tr.dir, "publisher.pub"))
	return tr
}

func (tr *trust) write(name, text string) {
	tr.t.Helper()
	if err := os.WriteFile(filepath.Join(tr.dir, name), []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// command prepares a command line of noo.
func (tr *trust) command(line string) *exec.Cmd {
	words := strings.Fields(line)
	cmd := noo(tr.dir, words[1:]...)
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "NOO_SNAPSHOT=") })
	cmd.Env = append(cmd.Env, tr.env...)
	return cmd
}

// run runs a command line, which must succeed.
func (tr *trust) run(line string) {
	tr.t.Helper()
	text, err := tr.command(line).CombinedOutput()
	tr.said.Write(text)
	if err != nil {
		tr.t.Fatalf("%s: %v: %s", line, err, text)
	}
}

// wantClean makes sure that an output holds the records of those who have not opted out.
func (tr *trust) wantClean(name string) {
	tr.t.Helper()
	const want = "id,nhs_number\n1,9434765919\n4,9995609649\n5,9434765919\n"
	if got, err := os.ReadFile(filepath.Join(tr.dir, name)); err != nil || string(got) != want {
		tr.t.Fatalf("%s: %q, %v", name, got, err)
	}
}

// wantSilent makes sure that no number and no secret is in what noo said, or in a file that is not
// to hold one.
func (tr *trust) wantSilent() {
	tr.t.Helper()
	texts := map[string]string{"what noo said": tr.said.String()}
	err := filepath.WalkDir(tr.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".dat") || strings.HasSuffix(path, ".csv") {
			return err // the lists and the extracts
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	password, err := os.ReadFile(filepath.Join(tr.sandbox, "client.key"))
	if err != nil {
		tr.t.Fatal(err)
	}
	secrets := []string{"TestKey", "NHSMESH", string(password[100:160])}
	for place, text := range texts {
		for _, match := range loneNumber.FindAllStringSubmatch(text, -1) {
			if _, status := nhsnumber.Parse([]byte(match[2])); status == nhsnumber.Valid {
				tr.t.Errorf("an NHS number is in %s", place)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				tr.t.Errorf("a secret is in %s", place)
			}
		}
	}
}

// TestSandboxFirstHour is the first hour of a trust without a list, three times: over the API with
// the commands of the README, by hand, and with the folders of a MESH client.
func TestSandboxFirstHour(t *testing.T) {
	t.Run("over the API", func(t *testing.T) {
		tr := newTrust(t)
		commands := regexp.MustCompile(`(?m)^noo (mesh|filter extract.csv -o checked).*$`).FindAllString(readRoot(t, "README.md"), -1)
		if len(commands) != 4 {
			t.Fatalf("the README has %d commands: %q", len(commands), commands)
		}
		for _, line := range commands {
			tr.run(strings.Replace(line, "X26ABC1", "X26ABC2", 1))
		}
		tr.wantClean("checked.csv")
		tr.run("noo check checked.csv --snapshot checked.noo")
		tr.wantSilent()
		tr.wantEmptyInbox()
	})
	t.Run("by hand", func(t *testing.T) {
		tr := newTrust(t)
		tr.run("noo mesh request extract.csv -o request")
		lists, err := filepath.Glob(filepath.Join(tr.dir, "request", "*.dat"))
		if err != nil || len(lists) != 1 {
			t.Fatal(lists, err)
		}
		check := exec.Command(os.Getenv("MESH_SANDBOX_PYTHON"), "../../mesh/api/testdata/sandbox/check.py", "file",
			lists[0], "-o", filepath.Join(tr.dir, "reply.dat"), "--opted-out", filepath.Join(tr.sandbox, "optedout.txt"))
		if said, err := check.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		tr.run("noo mesh collect request reply.dat -o checked.noo --key publisher.key")
		tr.run("noo filter extract.csv -o checked.csv --snapshot checked.noo")
		tr.wantClean("checked.csv")
		tr.run("noo check checked.csv --snapshot checked.noo")
		tr.wantSilent()
	})
	t.Run("with folders", func(t *testing.T) {
		tr := newTrust(t)
		for _, name := range []string{"in", "out"} {
			if err := os.Mkdir(filepath.Join(tr.dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		tr.run("noo mesh request extract.csv -o request --to X26HC065 --max-bytes 24")
		tr.run("noo mesh send request --folder out")
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- tr.meshClient(ctx) }()
		tr.run("noo mesh collect request --from in -o checked.noo --key publisher.key --settle 100ms --wait 1m")
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		tr.run("noo filter extract.csv -o checked.csv --snapshot checked.noo")
		tr.wantClean("checked.csv")
		tr.run("noo check checked.csv --snapshot checked.noo")
		tr.wantSilent()
	})
}

// wantEmptyInbox waits until nothing about the request is in the inbox any more. A report may come
// after the list: then another collect takes it away.
func (tr *trust) wantEmptyInbox() {
	tr.t.Helper()
	client := tr.client()
	for range 50 {
		inbox, err := client.Inbox(tr.t.Context(), mesh.Workflow)
		if err != nil {
			tr.t.Fatal(err)
		}
		if len(inbox) == 0 {
			return
		}
		tr.run("noo mesh collect request -o checked.noo --key publisher.key --force")
	}
	tr.t.Error("messages about the request are still in the inbox")
}

// client is a client of the trust's mailbox.
func (tr *trust) client() *api.Client {
	tr.t.Helper()
	client, err := api.New(api.Config{
		URL: os.Getenv("MESH_SANDBOX_TLS"), Mailbox: "X26ABC2", Password: "password", SharedKey: "TestKey",
		Certificates: api.Certificates{
			Certificate: filepath.Join(tr.sandbox, "client.pem"), Key: filepath.Join(tr.sandbox, "client.key"),
			CA: filepath.Join(tr.sandbox, "ca.pem"),
		},
		StateDir: filepath.Join(tr.dir, ".state"), Version: "test", Poll: time.Second,
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return client
}

// meshClient is what NHS England's MESH client does: it sends the pairs in the folder out, and puts
// what comes into the folder in. It works until ctx ends.
func (tr *trust) meshClient(ctx context.Context) error {
	client := tr.client()
	for ctx.Err() == nil {
		sent, err := filepath.Glob(filepath.Join(tr.dir, "out", "*.ctl"))
		if err != nil {
			return err
		}
		for _, path := range sent {
			if err := sendPair(ctx, client, path); err != nil {
				return err
			}
		}
		came, err := client.Inbox(ctx, "")
		if err != nil {
			return err
		}
		for _, id := range came {
			if err := receivePair(ctx, client, id, filepath.Join(tr.dir, "in")); err != nil {
				return err
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ctx.Err()
}

func sendPair(ctx context.Context, client *api.Client, path string) error {
	c, err := meshcontrol.ReadFile(path)
	if err != nil {
		return err
	}
	data, err := os.Open(strings.TrimSuffix(path, ".ctl") + ".dat")
	if err != nil {
		return err
	}
	defer data.Close()
	info, err := data.Stat()
	if err != nil {
		return err
	}
	_, err = client.Send(ctx, api.Outgoing{
		To: c.To, Workflow: c.WorkflowID, LocalID: c.LocalID, Subject: c.Subject,
		FileName: filepath.Base(data.Name()), Body: data, Size: info.Size(),
	})
	return errors.Join(err, os.Remove(path), os.Remove(data.Name()))
}

func receivePair(ctx context.Context, client *api.Client, id, folder string) error {
	m, err := client.Open(ctx, id, 1<<20)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	kind := map[string]string{api.Data: "Data", api.Report: "Report"}[m.Type]
	ctl := controlText{
		messageType: kind, from: m.From, subject: m.Subject, localID: m.LocalID, id: id, encrypted: "N",
		status: "SUCCESS", code: "00", event: "TRANSFER", at: time.Now(),
	}
	if m.Type == api.Data {
		if err := os.WriteFile(filepath.Join(folder, id+".dat"), text, 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(folder, id+".ctl"), []byte(ctl.String()), 0o600); err != nil {
		return err
	}
	return client.Acknowledge(ctx, id)
}

// TestSandboxKilled kills collect over the API at random moments, again and again until it ends by
// itself: no answer is lost, and the snapshot is complete or not there.
func TestSandboxKilled(t *testing.T) {
	tr := newTrust(t)
	tr.run("noo mesh request extract.csv -o request --to X26HC065 --max-bytes 12")
	const collect = "noo mesh collect request -o checked.noo --key publisher.key --force --wait 1m"
	killed := map[string]int{}
	for _, line := range []string{"noo mesh send request", collect} {
		for range 50 {
			cmd := tr.command(line)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rand.Int64N(int64(150 * time.Millisecond))))
			if cmd.Process.Kill() == nil {
				killed[line]++
			}
			_ = cmd.Wait()
			if _, err := os.Stat(filepath.Join(tr.dir, "checked.noo")); err == nil {
				tr.wantCollected()
			}
		}
		tr.run(line)
	}
	tr.wantCollected()
	t.Logf("killed: %v", slices.Sorted(maps.Values(killed)))
	stored, err := filepath.Glob(filepath.Join(tr.dir, "request", "answers", "*.json"))
	if err != nil || len(stored) != 3 {
		t.Errorf("%d answers are kept, want 3: a message was lost, or sent twice: %v", len(stored), err)
	}
	tr.wantSilent()
}

// wantCollected makes sure that the snapshot is the one that the answers give.
func (tr *trust) wantCollected() {
	tr.t.Helper()
	shown, err := tr.command("noo snapshot inspect checked.noo").Output()
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, want := range []string{`opted_out +1 numbers`, `checked +3 numbers`} {
		if !regexp.MustCompile(want).Match(shown) {
			tr.t.Fatalf("the snapshot lacks %q: %s", want, shown)
		}
	}
}

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
