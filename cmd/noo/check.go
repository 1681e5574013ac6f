package main

// noo check: a second pair of eyes, for people and for CI. It writes nothing.

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"noo/filter"
)

func newCheck(t terminal) *cobra.Command {
	var flags dataFlags
	cmd := &cobra.Command{
		Use:   "check INPUT...",
		Short: "Say whether datasets hold records that must not be disclosed",
		Long: `check reads datasets as filter would, writes nothing, and prints one line for
each to standard output. It exits with 1 when any record must not be disclosed:
of someone who opted out, or one that filter would withhold under the same
flags. A column of NHS numbers that is neither named nor allowed ends it with 2.`,
		Example: `  noo check clean.csv --snapshot optouts.noo
  noo check january.csv february.csv --missing keep
  cat clean.csv | noo check -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no input: name a file, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.validate(); err != nil {
				return err
			}
			s, err := flags.accept()
			if err != nil {
				return err
			}
			found := false
			for _, input := range args {
				run := flags.prepare(t, cmd, s, input)
				bar := newProgress(t, flags.quiet, input)
				run.Progress = bar.update
				done, err := run.Do(cmd.Context())
				bar.finish()
				if err != nil {
					return err
				}
				found = found || done.Totals.MustNotBeDisclosed() > 0
				if _, err := fmt.Fprintf(t.out, "%s: %s\n", displayName(input, "stdin"), finding(done.Totals, flags.policy)); err != nil {
					return fmt.Errorf("writing stdout: %w", err)
				}
			}
			if found {
				return errDisclosure
			}
			return nil
		},
	}
	flags.add(cmd)
	return cmd
}

// finding is what check says of one dataset under a policy.
func finding(n filter.Tally, policy filter.Policy) string {
	if n.MustNotBeDisclosed() == 0 {
		return fmt.Sprintf("may be disclosed: none of its %s must be left out", records(n.Read))
	}
	classes := []struct {
		count  int64
		action filter.Action
		words  string
	}{
		{n.OptedOut, filter.Withhold, "opted out"},
		{n.Missing, policy.Missing, "without an NHS number"},
		{n.Invalid, policy.Invalid, "with an invalid one"},
		{n.Unchecked, policy.Unchecked, "not looked up"},
	}
	var found []string
	for _, class := range classes {
		if class.count > 0 && class.action != filter.Keep {
			found = append(found, grouped(class.count)+" "+class.words)
		}
	}
	return fmt.Sprintf("must not be disclosed: of its %s %s", records(n.Read), strings.Join(found, ", "))
}
