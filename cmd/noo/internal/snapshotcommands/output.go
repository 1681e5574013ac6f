package snapshotcommands

// The output of commands that make a file from one or two snapshots: it names people, as they do.

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/publishing"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
)

// output says where the file goes, and who can read it.
type output struct {
	path       string
	force      bool
	recipients publishing.Recipients
}

// add adds the flags to a command.
func (o *output) add(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVarP(&o.path, "output", "o", "", usage)
	o.recipients.Add(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite an output that exists")
}

func (o *output) validate() error {
	if o.path == "" {
		return outcome.Usage(errors.New("no output: name one with -o FILE"))
	}
	return o.recipients.Validate()
}

func (o *output) paths(paths *iopaths.Paths) {
	o.recipients.Paths(paths)
	paths.Write(o.path)
}

// create starts the output, so that a path that cannot be written is refused before the work.
func (o *output) create() (*atomicfile.File, error) { return atomicfile.Create(o.path, o.force) }

// errInTheClear is an input that was encrypted, and an output that would not be.
var errInTheClear = outcome.Usage(errors.New(
	"an input is encrypted, and the output would not be: say who can read it with --recipient",
))

// commit writes content to out, which create returned, and gives it its name. It refuses to write
// in the clear what came encrypted.
func (o *output) commit(
	ctx context.Context,
	t *ui.Terminal,
	out *atomicfile.File,
	cameEncrypted bool,
	content func(io.Writer) error,
) error {
	if cameEncrypted && !o.recipients.Any() {
		return errInTheClear
	}
	if err := o.recipients.Write(out, content); err != nil {
		return err
	}
	t.Finish()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return atomicfile.Commit(out)
}
