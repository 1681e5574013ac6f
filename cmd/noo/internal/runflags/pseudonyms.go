package runflags

// The flags for columns that hold pseudonyms in the place of NHS numbers.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/internal/pseudonym"
	"noo/snapshot"
)

// Pseudonyms say how pseudonyms were made.
type Pseudonyms struct {
	method       pseudonym.Method
	secretFile   string
	allowNoMatch bool

	table    *pseudonym.Table // after load
	identity string           // of the file, as it was before load read it
}

func (f *Pseudonyms) add(flags *pflag.FlagSet) {
	var words []flagvalue.Word[pseudonym.Method]
	for _, method := range []pseudonym.Method{
		pseudonym.HMAC, pseudonym.SaltBefore, pseudonym.SaltAfter, pseudonym.Plain,
	} {
		words = append(words, flagvalue.Word[pseudonym.Method]{Text: method.String(), Value: method})
	}
	AddChoice(
		flags,
		flagvalue.NewChoice("HOW", &f.method, words...),
		"pseudonym",
		"the column holds pseudonyms, made of NHS numbers by this method",
	)
	flags.StringVar(
		&f.secretFile,
		"pseudonym-key",
		"",
		"the key or salt of the pseudonyms is in `FILE`, in hexadecimal",
	)
	flag := flags.Lookup("pseudonym-key")
	flag.Value = secretPath{flag.Value}
	flags.BoolVar(
		&f.allowNoMatch,
		"allow-no-match",
		false,
		"do not stop if no pseudonym is of anybody who opted out; a wrong key then keeps everybody",
	)
}

// secretPath is the path of a file with a secret. It refuses the secret itself, before anything can
// show it.
type secretPath struct{ pflag.Value }

// leastSecret is from how many hexadecimal digits on a text without anything else is no path.
const leastSecret = 32

// Set sets the path.
func (p secretPath) Set(text string) error {
	if len(text) >= leastSecret && strings.Trim(text, "9876543210abcdefABCDEF") == "" {
		return errors.New("want a file, and not the key itself")
	}
	return p.Value.Set(text)
}

// on reports whether there are pseudonyms.
func (f *Pseudonyms) on() bool { return f.method != pseudonym.None }

// files are the files that the flags name.
func (f *Pseudonyms) files() []string {
	if f.secretFile == "" {
		return nil
	}
	return []string{f.secretFile}
}

// validate refuses flags that contradict one another. missing are the texts of --missing-value.
func (f *Pseudonyms) validate(policy filter.Policy, missing []string) error {
	switch {
	case !f.on() && f.secretFile != "":
		return outcome.Usage(errors.New(
			"--pseudonym-key without --pseudonym: say how the pseudonyms were made"))
	case !f.on() && f.allowNoMatch:
		return outcome.Usage(errors.New("--allow-no-match is for runs with --pseudonym"))
	case !f.on():
		return nil
	case f.method.WantsSecret() && f.secretFile == "":
		return outcome.Usage(fmt.Errorf(
			"--pseudonym %v needs the key or salt: name its file with --pseudonym-key", f.method))
	case !f.method.WantsSecret() && f.secretFile != "":
		return outcome.Usage(fmt.Errorf("--pseudonym %v has no key: leave --pseudonym-key out, "+
			"or name another method", f.method))
	}
	if err := policy.ValidatePseudonyms(); err != nil {
		return outcome.Usage(fmt.Errorf("--invalid keep with --pseudonym: %w", err))
	}
	for _, text := range missing {
		if !pseudonym.MayMean(text) { // and is not shown
			return outcome.Usage(errors.New("--missing-value: want a text that holds no pseudonym"))
		}
	}
	return nil
}

// load reads the secret, and makes the pseudonyms of all people whom the snapshots know.
func (f *Pseudonyms) load(
	ctx context.Context,
	t *ui.Terminal,
	s *snapshot.Together,
	quiet bool,
) error {
	if !f.on() {
		return nil
	}
	var secret pseudonym.Secret
	if f.method.WantsSecret() {
		f.identify()
		var err error
		if secret, err = pseudonym.ReadSecret(f.secretFile); err != nil {
			return err
		}
		if loose, err := snapshot.LoosePermissions(f.secretFile); err == nil && loose {
			t.Warn(ui.Showable(LooseFile(f.secretFile)))
		}
	} else if !quiet {
		t.Warn("a plain SHA-256 of an NHS number hides nobody: treat the column as NHS numbers")
	}
	var err error
	f.table, err = pseudonym.NewTable(ctx, f.method, secret, s.CountKnown(), s.Known)
	return err
}

// reader returns what reads the pseudonyms, nil where there are numbers.
func (f *Pseudonyms) reader() filter.Pseudonyms {
	if f.table == nil {
		return nil
	}
	return f.table
}

// Fingerprint tells one file with a secret from another, and from the same after a change: by its
// path, size and time of change. Nothing in it is made of the secret, since it goes into a file.
func (f *Pseudonyms) Fingerprint() string { return f.identity }

// identify notes which file with a secret there is. One that cannot be read has none.
func (f *Pseudonyms) identify() {
	path, err := filepath.Abs(f.secretFile)
	if err != nil {
		return
	}
	if info, err := os.Stat(path); err == nil {
		f.identity = fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
	}
}
