package relay

// Passing one dataset on: the steps that the comment of the package lists.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"noo/internal/atomicfile"
	"noo/mesh/control"
)

// Filter reads a dataset from input, and writes what may be sent to output, complete or not at all.
// output may exist, and is replaced. Filter returns the SHA-256 of the input in hexadecimal.
type Filter func(ctx context.Context, input, output string) (sha256 string, err error)

// Envelope is what the control file of the outgoing message says.
type Envelope struct {
	From, To, Subject, WorkflowID string
	// LocalID begins the local id. Letters that tell messages apart follow.
	LocalID string
}

// Deliver filters a dataset, puts the result into the outgoing folder as a new message, and removes
// what arrived. If the same message was sent since Look found it, because it arrived twice, Deliver
// does what Look does with it.
//
// On an error nothing was sent, and the dataset is still there, with one exception: if what arrived
// cannot be removed, Handled has the place of what is sent, and Look will remove it. The error is
// that of filter, wraps control.ErrUnwritable, is ErrChanged, or is one of the file system.
func (r *Relay) Deliver(
	ctx context.Context,
	d Dataset,
	e Envelope,
	filter Filter,
) (handled Handled, err error) {
	handled.Name = d.Name
	before, err := r.sent(d.key)
	switch {
	case err != nil:
		return handled, err
	case before != nil:
		return r.again(ctx, d, before)
	}
	c := e.control(d.key)
	if err := c.Validate(); err != nil {
		return handled, err
	}
	sent := false
	defer func() {
		if !sent {
			if lost := r.forget(d.key); lost != nil && err == nil {
				err = lost
			}
		}
	}()
	digest, err := filter(ctx, filepath.Join(r.In, d.Data), r.path(d.key, dataSuffix))
	if err != nil {
		return handled, err
	}
	if err := context.Cause(ctx); err != nil {
		return handled, err
	}
	if !d.Unchanged(r.In) {
		return handled, fmt.Errorf("%s: %w", d.Name, ErrChanged)
	}
	if err := r.send(d, c, digest); err != nil {
		return handled, err
	}
	sent = true
	handled.Place = filepath.Join(r.Out, d.key.output()+".dat")
	return handled, r.remove(d.Pair)
}

// control returns the control file of the outgoing message.
func (e Envelope) control(k key) *control.Control {
	return &control.Control{
		Version: "1.0", AddressType: "DTS", Type: control.Data, From: e.From, To: e.To,
		Subject: e.Subject, LocalID: e.LocalID + "-" + k.short(), WorkflowID: e.WorkflowID,
		Compress: true, AllowChunking: true,
	}
}

// send makes the steps from the data to the control file in the outgoing folder.
func (r *Relay) send(d Dataset, c *control.Control, digest string) error {
	data, controlFile := r.path(d.key, dataSuffix), r.path(d.key, controlSuffix)
	out := filepath.Join(r.Out, d.key.output())
	if exists(out + ".ctl") {
		return fmt.Errorf("cannot write %s.ctl: it %w", out, atomicfile.ErrExists)
	}
	if err := os.Chmod(data, control.Mode(r.Out)); err != nil {
		return ioError("write", data, err)
	}
	r.step()
	if err := r.writeControl(controlFile, c); err != nil {
		return err
	}
	r.step()
	if err := r.record(d.key, record{Name: string(nameKey(d.Name)), SHA256: digest}); err != nil {
		return err
	}
	r.step()
	for _, step := range []struct{ from, to string }{
		{data, out + ".dat"}, {controlFile, out + ".ctl"},
	} {
		if err := os.Rename(step.from, step.to); err != nil {
			return ioError("write", step.to, err)
		}
		if err := atomicfile.SyncFolder(r.Out); err != nil {
			return ioError("write", step.to, err)
		}
		if err := atomicfile.SyncFolder(r.state); err != nil {
			return ioError("write", step.to, err)
		}
		r.step()
	}
	return nil
}

func (r *Relay) writeControl(path string, c *control.Control) error {
	file, err := atomicfile.Create(path, true)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := control.Write(file, c); err != nil {
		return err
	}
	file.SetMode(control.Mode(r.Out))
	return atomicfile.Commit(file)
}

func (r *Relay) write(path string, text []byte) error {
	file, err := atomicfile.Create(path, true)
	if err != nil {
		return err
	}
	defer file.Discard()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return atomicfile.Commit(file)
}
