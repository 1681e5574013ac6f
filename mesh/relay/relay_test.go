package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noo/internal/atomicfile"
	"noo/mesh/control"
)

// quick is a Timing for tests.
var quick = control.Timing{Settle: time.Millisecond, Patience: time.Hour}

// place is the folders of a test.
type place struct {
	t *testing.T
	Folders
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, Folders: Folders{
		In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"),
		Errors: filepath.Join(dir, "in", "errors"), Reports: filepath.Join(dir, "in", "reports"),
	}}
	for _, folder := range []string{p.In, p.Out} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// message is a control file for a message with an id.
func message(id string, change ...func(c *control.Control)) *control.Control {
	c := &control.Control{
		Version: "1.0", Type: control.Data, From: "A", To: "B", Subject: "s", LocalID: "l",
		MessageID: id, WorkflowID: "EXTRACT",
	}
	for _, change := range change {
		change(c)
	}
	return c
}

// arrive adds a message to the incoming folder.
func (p *place) arrive(name, data string, c *control.Control) {
	p.t.Helper()
	if err := control.Put(p.In, name, strings.NewReader(data), c); err != nil {
		p.t.Fatal(err)
	}
}

// open opens a Relay until the test ends or close is called.
func (p *place) open() *Relay {
	p.t.Helper()
	r, err := Open(p.t.Context(), p.Folders, quick)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(r.Close)
	return r
}

// look is Look, without an error.
func (p *place) look(r *Relay) *Arrivals {
	p.t.Helper()
	arrivals, err := r.Look(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if len(arrivals.Stuck) > 0 {
		p.t.Fatalf("stuck: %+v", arrivals.Stuck)
	}
	return arrivals
}

// upper is a filter that writes its input in capitals.
func upper(_ context.Context, input, output string) (string, error) {
	text, err := os.ReadFile(input)
	if err != nil {
		return "", err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(text))
	return digest, os.WriteFile(output, []byte(strings.ToUpper(string(text))), 0o600)
}

var envelope = Envelope{From: "B", To: "C", Subject: "clean", LocalID: "clean", WorkflowID: "CLEAN"}

// round delivers all datasets, and returns how many.
func (p *place) round(r *Relay) int {
	p.t.Helper()
	arrivals := p.look(r)
	for _, d := range arrivals.Datasets {
		if _, err := r.Deliver(p.t.Context(), d, envelope, upper); err != nil {
			p.t.Fatal(err)
		}
	}
	return len(arrivals.Datasets)
}

// names lists the files below a folder that are not hidden, and not in hidden folders.
func names(t *testing.T, folder string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.IsDir() {
			name, _ := filepath.Rel(folder, path)
			found = append(found, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// takeAll takes the messages out of the outgoing folder as the MESH client does, and returns their
// data.
func (p *place) takeAll() []string {
	p.t.Helper()
	found, err := control.Pairs(p.t.Context(), p.Out, quick)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(found.Broken)+len(found.Lone) > 0 {
		p.t.Fatalf("the client finds %+v", found)
	}
	taken := []string{}
	for _, pair := range found.Pairs {
		if err := pair.Control.Validate(); err != nil {
			p.t.Error(err)
		}
		path := filepath.Join(p.Out, pair.Data)
		text, err := os.ReadFile(path)
		if err := errors.Join(err, os.Remove(path),
			os.Remove(filepath.Join(p.Out, pair.ControlFile))); err != nil {
			p.t.Fatal(err)
		}
		taken = append(taken, string(text))
	}
	slices.Sort(taken)
	return taken
}

func (p *place) wantTaken(want ...string) {
	p.t.Helper()
	if got := p.takeAll(); !slices.Equal(got, want) {
		p.t.Errorf("sent %q, want %q", got, want)
	}
}

func (p *place) wantIn(want ...string) {
	p.t.Helper()
	if got := names(p.t, p.In); !slices.Equal(got, want) {
		p.t.Errorf("in holds %q, want %q", got, want)
	}
}

func TestDeliver(t *testing.T) {
	p := newPlace(t)
	p.arrive("a", "one", message("1"))
	p.arrive("b", "two", message("2"))
	r := p.open()
	arrivals := p.look(r)
	if len(arrivals.Datasets) != 2 {
		t.Fatalf("got %+v", arrivals)
	}
	for _, d := range arrivals.Datasets {
		handled, err := r.Deliver(t.Context(), d, envelope, upper)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(handled.Place), ".dat")
		c, err := control.ReadFile(filepath.Join(p.Out, name+".ctl"))
		if err != nil {
			t.Fatal(err)
		}
		if c.From != "B" || c.To != "C" || c.WorkflowID != "CLEAN" || c.Subject != "clean" ||
			c.LocalID != "clean-"+strings.TrimPrefix(name, "noo-") || c.MessageID != "" {
			t.Errorf("the control file says %+v", c)
		}
	}
	p.wantTaken("ONE", "TWO")
	p.wantIn()
	if n := p.round(r); n != 0 {
		t.Errorf("%d datasets in an empty folder", n)
	}
}

// TestTheSameMessageTwice: MESH may deliver a message twice, under any name.
func TestTheSameMessageTwice(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	p.arrive("a", "one", message("1"))
	p.round(r)
	p.wantTaken("ONE")
	p.arrive("again", "one", message("1"))
	arrivals := p.look(r)
	if len(arrivals.Datasets) != 0 || len(arrivals.Handled) != 1 || !arrivals.Handled[0].Repeated {
		t.Errorf("got %+v", arrivals)
	}
	p.wantTaken()
	p.wantIn()

	// other data under the same id is for a person to look at
	p.arrive("other", "two", message("1"))
	arrivals = p.look(r)
	if len(arrivals.Handled) != 1 || !errors.Is(arrivals.Handled[0].Err, ErrReused) {
		t.Errorf("got %+v", arrivals)
	}
	p.wantTaken()
	p.wantIn("errors/other/other.ctl", "errors/other/other.dat", "errors/other/reason.txt")
}

// TestTheSameMessageTwiceAtOnce: both are there when Look looks.
func TestTheSameMessageTwiceAtOnce(t *testing.T) {
	p := newPlace(t)
	for _, name := range []string{"a", "b"} {
		p.arrive(name, "one", message("1"))
	}
	r := p.open()
	p.round(r)
	p.wantTaken("ONE")
	p.wantIn()
}

// TestKilledWhileRemovingARepeatedMessage: the control file that is left is removed, whichever name
// the message had the first time.
func TestKilledWhileRemovingARepeatedMessage(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	p.arrive("a", "one", message("1"))
	p.round(r)
	p.arrive("b", "one", message("1"))
	d := Dataset{key: letters("id", "1")}
	if err := r.record(d.key, record{Name: string(nameKey("b")), SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.In, "b.dat")); err != nil {
		t.Fatal(err)
	}
	r.Close()
	p.look(p.open())
	p.wantIn()
	p.wantTaken("ONE")
}

// TestWithoutMessageID: what did not come through MESH may come again under the same name.
func TestWithoutMessageID(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	for range 2 {
		p.arrive("a", "one", message(""))
		if p.round(r) != 1 {
			t.Fatal("nothing was delivered")
		}
		p.wantTaken("ONE")
		time.Sleep(20 * time.Millisecond) // control files of other times are other files
	}
}

func TestDeliverKeepsWhatCannotBeSent(t *testing.T) {
	failure := errors.New("no")
	for _, test := range []struct {
		name     string
		envelope Envelope
		filter   func(p *place) Filter
		err      error
	}{
		{"a filter that fails", envelope, func(*place) Filter {
			return func(_ context.Context, _, output string) (string, error) {
				return "", errors.Join(failure, os.WriteFile(output, []byte("half"), 0o600))
			}
		}, failure},
		{"an envelope that cannot be", Envelope{From: "B", To: "C:", Subject: "x"},
			func(*place) Filter { return upper }, control.ErrUnwritable},
		{"data that changes", envelope, func(p *place) Filter {
			return func(ctx context.Context, input, output string) (string, error) {
				digest, err := upper(ctx, input, output)
				return digest, errors.Join(err, os.WriteFile(input, []byte("longer"), 0o600))
			}
		}, ErrChanged},
		{"data that becomes a link", envelope, func(p *place) Filter {
			return func(ctx context.Context, input, output string) (string, error) {
				digest, err := upper(ctx, input, output)
				return digest, errors.Join(err, os.Rename(input, input+"x"),
					os.Symlink(input+"x", input))
			}
		}, ErrChanged},
		{"a name that is taken", envelope, func(p *place) Filter {
			return func(ctx context.Context, input, output string) (string, error) {
				name := filepath.Join(p.Out, letters("id", "1").output()+".ctl")
				digest, err := upper(ctx, input, output)
				return digest, errors.Join(err, os.WriteFile(name, []byte("x"), 0o600))
			}
		}, atomicfile.ErrExists},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			p.arrive("a", "one", message("1"))
			r := p.open()
			d := p.look(r).Datasets[0]
			handled, err := r.Deliver(t.Context(), d, test.envelope, test.filter(p))
			if !errors.Is(err, test.err) || handled.Place != "" {
				t.Errorf("got %+v and %v, want %v", handled, err, test.err)
			}
			if !exists(filepath.Join(p.In, "a.dat")) || !exists(filepath.Join(p.In, "a.ctl")) {
				t.Error("the message is gone")
			}
			for _, suffix := range []string{dataSuffix, sentSuffix, controlSuffix} {
				if exists(r.path(d.key, suffix)) {
					t.Errorf("%s was left", suffix)
				}
			}
			if exists(filepath.Join(p.Out, d.key.output()+".dat")) {
				t.Error("data was sent")
			}
		})
	}
}

// TestInterrupted: a context that ends while the filter works leaves the message.
func TestInterrupted(t *testing.T) {
	p := newPlace(t)
	p.arrive("a", "one", message("1"))
	r := p.open()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := r.Deliver(ctx, p.look(r).Datasets[0], envelope,
		func(ctx context.Context, input, output string) (string, error) {
			cancel()
			return upper(ctx, input, output)
		})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	p.wantTaken()
	if p.round(r) != 1 {
		t.Error("it was not delivered later")
	}
	p.wantTaken("ONE")
}

// copied copies the folders as they are: so a process finds them if another was killed now.
func (p *place) copied() *place {
	p.t.Helper()
	dir := p.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(p.In))); err != nil {
		p.t.Fatal(err)
	}
	return &place{t: p.t, Folders: Folders{
		In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"),
		Errors: filepath.Join(dir, "in", "errors"), Reports: filepath.Join(dir, "in", "reports"),
	}}
}

// killedAtEachStep delivers a message, and returns the folders as they are before and after each
// step.
func killedAtEachStep(t *testing.T) []*place {
	t.Helper()
	p := newPlace(t)
	p.arrive("a", "one", message("1"))
	r := p.open()
	steps := []*place{p.copied()}
	r.step = func() { steps = append(steps, p.copied()) }
	p.round(r)
	if len(steps) != 8 {
		t.Fatalf("%d steps, want 8", len(steps))
	}
	return steps
}

// TestKilledAndTakenBack: if somebody takes a message back that a killed process was sending,
// nothing of it stays in the outgoing folder.
func TestKilledAndTakenBack(t *testing.T) {
	for i, q := range killedAtEachStep(t)[:5] {
		for _, name := range []string{"a.dat", "a.ctl"} {
			if err := os.Remove(filepath.Join(q.In, name)); err != nil {
				t.Fatal(err)
			}
		}
		r := q.open()
		left, err := os.ReadDir(r.state)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, q.Out); len(got) > 0 || len(left) != 1 { // the lock
			t.Errorf("after %d steps: out holds %q and %v", i, got, left)
		}
	}
}

// TestKilledAtEachStep looks at the folders after each step of a delivery, as a process finds them
// if this one is killed then, with a client that has taken the message by then or takes it later.
// Every message is sent once.
func TestKilledAtEachStep(t *testing.T) {
	steps := killedAtEachStep(t)
	sentAt := 0
	for i, killed := range steps {
		for _, takesFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d %v", i, takesFirst), func(t *testing.T) {
				q := killed.copied()
				q.t = t
				var taken []string
				if takesFirst {
					taken = q.takeAll()
					sentAt += len(taken)
				}
				r := q.open()
				for range 2 {
					q.round(r)
					taken = append(taken, q.takeAll()...)
				}
				if !slices.Equal(taken, []string{"ONE"}) {
					t.Errorf("sent %q", taken)
				}
				q.wantIn()
				if got := names(t, q.Out); len(got) > 0 {
					t.Errorf("out holds %q", got)
				}
			})
		}
	}
	if sentAt != 3 { // after the last rename, and after each of the two removals
		t.Errorf("the client found a message after %d steps, want 3", sentAt)
	}
}

// TestForgetsOnlyWhatWasNotSent: a failure after the last rename must not take the data back.
func TestForgetsOnlyWhatWasNotSent(t *testing.T) {
	p := newPlace(t)
	p.arrive("a", "one", message("1"))
	r := p.open()
	d := p.look(r).Datasets[0]
	p.round(r)
	if err := r.forget(d.key); err != nil {
		t.Fatal(err)
	}
	p.wantTaken("ONE")
	if sent, err := r.sent(d.key); sent == nil || err != nil {
		t.Errorf("it is not known any more that it was sent: %v", err)
	}
}

func TestReports(t *testing.T) {
	p := newPlace(t)
	report := func(event, status string) func(c *control.Control) {
		return func(c *control.Control) {
			c.Type, c.Status = control.Report, &control.Status{Event: event, Status: status}
		}
	}
	p.arrive("a", "", message("1", report("COLLECT", "SUCCESS")))
	p.arrive("b", "", message("2", report("SEND", "ERROR")))
	p.arrive("c", "", message("3", report("COLLECT", "SUCCESS"), func(c *control.Control) {
		c.WorkflowID = NationalCheck
	}))
	p.arrive("d", "list", message("4", func(c *control.Control) { c.WorkflowID = NationalCheck }))
	if err := os.Remove(filepath.Join(p.In, "a.dat")); err != nil {
		t.Fatal(err)
	}
	r := p.open()
	arrivals := p.look(r)
	if len(arrivals.Datasets) != 0 || len(arrivals.Handled) != 2 {
		t.Fatalf("got %+v", arrivals)
	}
	if h := arrivals.Handled[0]; h.Name != "a" || h.Event != "COLLECT" || h.Err != nil {
		t.Errorf("got %+v", h)
	}
	if h := arrivals.Handled[1]; h.Name != "b" || !errors.Is(h.Err, ErrNotDelivered) {
		t.Errorf("got %+v", h)
	}
	p.wantIn("c.ctl", "c.dat", "d.ctl", "d.dat", "errors/b/b.ctl", "errors/b/b.dat",
		"errors/b/reason.txt", "reports/a.ctl")
	p.arrive("a", "", message("5", report("COLLECT", "SUCCESS")))
	p.look(r)
	if !exists(filepath.Join(p.Reports, "a-2.ctl")) || !exists(filepath.Join(p.Reports, "a-2.dat")) {
		t.Errorf("a second report of one name: %v", names(t, p.Reports))
	}
}

func TestRefused(t *testing.T) {
	p := newPlace(t)
	p.arrive("a", "secret", message("1", func(c *control.Control) { c.Encrypted = true }))
	p.arrive("b", "two", message("2"))
	if err := os.WriteFile(filepath.Join(p.In, "b.DAT"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.arrive("d", "half", message("4", func(c *control.Control) {
		c.Status = &control.Status{Event: "TRANSFER", Status: "ERROR", Code: "14"}
	}))
	r := p.open()
	arrivals := p.look(r)
	if len(arrivals.Handled) != 3 || !errors.Is(arrivals.Handled[2].Err, ErrFailed) || len(arrivals.Datasets) != 0 ||
		!errors.Is(arrivals.Handled[0].Err, control.ErrAmbiguous) ||
		!errors.Is(arrivals.Handled[1].Err, ErrEncrypted) {
		t.Fatalf("got %+v", arrivals)
	}
	p.arrive("c", "three", message("3"))
	d := p.look(r).Datasets[0]
	handled, err := r.Refuse(d, errors.New("c: 943 476 5919\nis not a name"))
	if err != nil {
		t.Fatal(err)
	}
	reason, err := os.ReadFile(filepath.Join(handled.Place, ReasonName))
	if err != nil || string(reason) != "c: xxx xxx xxxx is not a name\n" {
		t.Errorf("the reason is %q, %v", reason, err)
	}
	p.wantIn("errors/a/a.ctl", "errors/a/a.dat", "errors/a/reason.txt", "errors/b/b.DAT",
		"errors/b/b.ctl", "errors/b/b.dat", "errors/b/reason.txt", "errors/c/c.ctl",
		"errors/c/c.dat", "errors/c/reason.txt",
		"errors/d/d.ctl", "errors/d/d.dat", "errors/d/reason.txt")

	// what was put right comes back, and may be refused again
	for _, name := range []string{"c.dat", "c.ctl"} {
		if err := os.Rename(filepath.Join(handled.Place, name), filepath.Join(p.In, name)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := r.Refuse(p.look(r).Datasets[0], errors.New("still"))
	if err != nil || again.Place != handled.Place+"-2" {
		t.Errorf("got %+v, %v", again, err)
	}
}

// TestKilledWhileRefusing: a message that was on its way into the folder of errors comes back.
func TestKilledWhileRefusing(t *testing.T) {
	for moved := range 3 {
		p := newPlace(t)
		p.arrive("a", "one", message("1"))
		r := p.open()
		making := filepath.Join(p.Errors, ".noo-x"+atomicfile.TempSuffix)
		if err := errors.Join(os.Mkdir(making, 0o700),
			os.WriteFile(filepath.Join(making, ReasonName), []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a.dat", "a.ctl"}[:moved] {
			if err := r.move(name, filepath.Join(making, name)); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
		r = p.open()
		if exists(making) {
			t.Error("the unfinished folder is still there")
		}
		if p.round(r) != 1 {
			t.Errorf("after %d moves the message is lost", moved)
		}
		p.wantTaken("ONE")
	}
}

func TestOpenRefuses(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	if _, err := Open(t.Context(), p.Folders, quick); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v for folders in use", err)
	}
	other := p.Folders
	other.In = filepath.Join(filepath.Dir(p.In), "third")
	other.Errors, other.Reports = filepath.Join(other.In, "e"), filepath.Join(other.In, "r")
	if err := os.Mkdir(other.In, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), other, quick); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v for an outgoing folder in use", err)
	}
	r.Close()
	if r, err := Open(t.Context(), other, quick); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
	for _, change := range []func(f *Folders){
		func(f *Folders) { f.In += "x" },
		func(f *Folders) { f.Out += "x" },
		func(f *Folders) { f.Errors = filepath.Join(f.In, "x", "y") },
	} {
		folders := p.Folders
		change(&folders)
		if _, err := Open(t.Context(), folders, quick); err == nil {
			t.Errorf("%+v was opened", folders)
		}
	}
}

// TestForgetsOldRecords: the state folder does not grow without an end.
func TestForgetsOldRecords(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	p.arrive("a", "one", message("1"))
	p.arrive("b", "two", message("2"))
	p.round(r)
	r.Close()
	before := time.Now().Add(-2 * keptFor)
	if err := os.Chtimes(r.path(letters("id", "1"), sentSuffix), before, before); err != nil {
		t.Fatal(err)
	}
	r = p.open()
	for id, want := range map[string]bool{"1": false, "2": true} {
		if got := exists(r.path(letters("id", id), sentSuffix)); got != want {
			t.Errorf("message %s: a record is there: %v", id, got)
		}
	}
}
