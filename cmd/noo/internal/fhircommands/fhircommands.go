// Package fhircommands has the commands of noo fhir: fetch the Consents of a server, from which
// noo snapshot build makes a snapshot.
package fhircommands

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/fhir/download"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
)

// New returns noo fhir with its commands.
func New(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fhir",
		Short:   "Fetch FHIR Consents from a server",
		Example: `  noo fhir download https://SERVER/R4/Consent -o consents.ndjson.gz`,
	}
	cmd.AddCommand(newDownload(t))
	commandtree.Group(cmd)
	return cmd
}

// downloadFlags say what is fetched, and how.
type downloadFlags struct {
	output    string
	tokenFile string
	files     download.TLS
	wait      flagvalue.Wait
	force     bool
}

func newDownload(t *ui.Terminal) *cobra.Command {
	flags := downloadFlags{wait: flagvalue.Wait(10 * time.Minute)}
	cmd := &cobra.Command{
		Use:   "download URL -o FILE",
		Short: "Fetch all Consents that a FHIR server finds",
		Long: `download asks a FHIR server for Consents, and writes them to FILE as NDJSON: one
resource on each line. It compresses FILE if the name ends in .gz or .zst. URL
is the address of a search. download follows its pages to the last, and writes
the complete result or nothing.

Only https is used, unless the server is on this machine. download sends the
token to this server only: it refuses links and redirects to another. It waits
if the server is busy. Messages show the address without its query.

The file says who opted out: keep it confidential, and delete it when the
snapshot is built.`,
		Example: `  noo fhir download "https://SERVER/R4/Consent?_count=1000" \
    -o consents.ndjson.gz --token-file token.txt
  noo snapshot build consents.ndjson.gz --checked patients.txt \
    -o optouts.noo --key publisher.key`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one address, such as https://SERVER/R4/Consent")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.download(cmd.Context(), t, args[0])
		},
	}
	add := cmd.Flags()
	add.StringVarP(&flags.output, "output", "o", "", "write the Consents to `FILE`, in NDJSON")
	add.StringVar(&flags.tokenFile, "token-file", "", "send the bearer token in `FILE`")
	files := &flags.files
	add.StringVar(&files.CA, "ca", "", "trust the certificates in `FILE` (PEM), and no others")
	add.StringVar(&files.Certificate, "client-cert", "", "show the certificate in `FILE` (PEM)")
	add.StringVar(&files.Key, "client-key", "", "the key of that certificate is in `FILE` (PEM)")
	flagvalue.Add(add, &flags.wait, "wait", "wait for a busy server at most this long for a page")
	add.BoolVar(&flags.force, "force", false, "overwrite an output that exists")
	return cmd
}

// validate refuses flags with which nothing can be fetched.
func (f *downloadFlags) validate(address string) error {
	switch {
	case f.output == "" || f.output == "-":
		return outcome.Usage(errors.New("no output: name a file with -o FILE"))
	case formats.CompressionNamed(f.output) == formats.Bzip2:
		return outcome.Usage(
			errors.New("noo does not write bzip2: let the name end in .gz or .zst"),
		)
	case (f.files.Certificate == "") != (f.files.Key == ""):
		return outcome.Usage(errors.New("--client-cert and --client-key go together"))
	}
	if err := download.Check(address); err != nil {
		return err
	}
	var paths iopaths.Paths
	for _, path := range []string{f.tokenFile, f.files.CA, f.files.Certificate, f.files.Key} {
		if path != "" {
			paths.Read(path)
		}
	}
	paths.Write(f.output)
	return paths.Check()
}

func (f *downloadFlags) download(ctx context.Context, t *ui.Terminal, address string) error {
	if err := f.validate(address); err != nil {
		return err
	}
	options, err := f.options(address)
	if err != nil {
		return err
	}
	out, err := atomicfile.Create(f.output, f.force)
	if err != nil {
		return err
	}
	defer out.Discard()
	result, err := f.write(ctx, out, options)
	if err != nil {
		return err
	}
	t.Finish()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := atomicfile.Commit(out); err != nil {
		return err
	}
	f.say(t, result)
	return nil
}

// write fetches the Consents and writes them, compressed as the name of the output promises.
func (f *downloadFlags) write(
	ctx context.Context,
	out io.Writer,
	options download.Options,
) (download.Result, error) {
	compression := formats.CompressionNamed(f.output)
	if compression == formats.Uncompressed {
		return download.Run(ctx, out, options)
	}
	to, err := formats.NewCompressor(compression, out, runtime.GOMAXPROCS(0))
	if err != nil {
		return download.Result{}, err
	}
	defer to.Abandon()
	result, err := download.Run(ctx, to, options)
	if err != nil {
		return result, err
	}
	return result, to.Close()
}

// options reads the files that the flags name.
func (f *downloadFlags) options(address string) (o download.Options, err error) {
	o = download.Options{Address: address, Patience: time.Duration(f.wait)}
	if f.tokenFile != "" {
		if o.Token, err = download.ReadToken(f.tokenFile); err != nil {
			return o, err
		}
	}
	o.Client, err = download.NewClient(f.files)
	return o, err
}

// say says what was fetched.
func (f *downloadFlags) say(t *ui.Terminal, result download.Result) {
	t.Say("%s: %s in %s", ui.Showable(f.output),
		ui.Counted(int64(result.Consents), "Consent", "Consents"),
		ui.Counted(int64(result.Pages), "page", "pages"))
	if result.Consents == 0 {
		t.Say("warning: the server found no Consent: make sure that the search is the right one")
	}
	if result.Messages > 0 {
		t.Say("warning: the server added %s, which noo does not show",
			ui.Counted(int64(result.Messages), "message", "messages"))
	}
	if result.Included > 0 {
		t.Say("left out %s that the search included",
			ui.Counted(int64(result.Included), "other resource", "other resources"))
	}
	for _, path := range []string{f.tokenFile, f.files.Key} {
		runflags.WarnIfLoose(t, path)
	}
}
