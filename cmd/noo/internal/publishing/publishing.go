// Package publishing has the flags of commands that write a snapshot, and signs and writes it.
package publishing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/snapshot"
)

// Flags say where a snapshot goes, who signs it, who can read it and how long it may be used.
type Flags struct {
	// Output is the path of the snapshot.
	Output    string
	publisher string
	sequence  flagvalue.Sequence
	validFor  flagvalue.Age
	force     bool
	Signer
	// Recipients are who can read it, or nobody if all can.
	Recipients Recipients
}

// Add adds the flags to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	f.validFor = flagvalue.Age(snapshot.DefaultMaxAge)
	flags := cmd.Flags()
	flags.StringVarP(
		&f.Output,
		"output",
		"o",
		"",
		"write the snapshot to `FILE`, whose name usually ends in .noo",
	)
	f.Signer.Add(cmd)
	f.Recipients.Add(cmd)
	flags.StringVar(&f.publisher, "publisher", "", "the publisher of the snapshot is `TEXT`")
	flagvalue.Add(
		flags,
		&f.sequence,
		"sequence",
		"give the snapshot sequence `N`, higher than that of the last",
	)
	flags.Lookup("sequence").DefValue = "the time as YYYYMMDDhhmmss"
	flagvalue.Add(flags, &f.validFor, "valid-for", "how long the snapshot may be used")
	flags.BoolVar(&f.force, "force", false, "overwrite an output that exists")
}

// Validate refuses flags with which no snapshot can be written. The error is one of use.
func (f *Flags) Validate() error {
	if f.Output == "" {
		return outcome.Usage(errors.New("no output: name one with -o OUT.noo"))
	}
	if err := f.Signer.Validate(); err != nil {
		return err
	}
	if err := f.Recipients.Validate(); err != nil {
		return err
	}
	if f.sequence > snapshot.MaxSequence {
		return outcome.Usage(fmt.Errorf("--sequence is at most %d", uint64(snapshot.MaxSequence)))
	}
	if err := snapshot.CheckPublisher(f.publisher); err != nil {
		return outcome.Usage(fmt.Errorf("--publisher: %w", err))
	}
	if time.Duration(f.validFor) < time.Second {
		return outcome.Usage(errors.New("--valid-for is at least a second"))
	}
	return nil
}

// Paths adds the paths that the flags name to those of the command.
func (f *Flags) Paths(paths *iopaths.Paths) {
	f.Signer.Paths(paths)
	f.Recipients.Paths(paths)
	paths.Write(f.Output)
}

// Create starts the output, so that a path that cannot be written is refused before the work. The
// caller discards it.
func (f *Flags) Create() (*atomicfile.File, error) { return atomicfile.Create(f.Output, f.force) }

// Snapshot is what a snapshot is made from.
type Snapshot struct {
	Scope snapshot.Scope
	Sets  snapshot.Sets
	// Created is the time as of which the sets hold, to the second.
	Created time.Time
}

// Publish signs and writes a snapshot to out, which Create returned, and gives it its name.
func (f *Flags) Publish(
	ctx context.Context,
	t *ui.Terminal,
	out *atomicfile.File,
	s Snapshot,
) (snapshot.Manifest, error) {
	key, err := f.Key(ctx, t)
	if err != nil {
		return snapshot.Manifest{}, err
	}
	created := s.Created.UTC().Truncate(time.Second)
	m := snapshot.Manifest{
		Publisher:  f.publisher,
		Scope:      s.Scope,
		Sequence:   uint64(f.sequence),
		Created:    created,
		ValidUntil: created.Add(time.Duration(f.validFor)),
	}
	err = f.Recipients.Write(out, func(w io.Writer) (err error) {
		m, err = snapshot.Write(w, m, s.Sets, key)
		return err
	})
	if err != nil {
		return m, err
	}
	t.Finish()
	if err := context.Cause(ctx); err != nil {
		return m, err
	}
	return m, atomicfile.Commit(out)
}
