package meshcommands

// The flags of commands that use the MESH API: where it is, and what proves who asks.

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/internal/nhsnumber"
	"noo/mesh/api"
	"noo/snapshot"
)

// Connection are the flags.
type Connection struct {
	url           string
	mailbox       string
	passwordFile  string
	sharedKeyFile string
	certificates  api.Certificates
}

// Add adds the flags to a command.
func (f *Connection) Add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "api", "", "the MESH API is at `URL`")
	flags.StringVar(&f.mailbox, "mailbox", "", "use the mailbox `NAME`, such as X26HC001")
	flags.StringVar(&f.passwordFile, "password-file", "",
		"read the password of the mailbox from `FILE`")
	flags.StringVar(&f.sharedKeyFile, "shared-key-file", "",
		"read the shared key of the MESH environment from `FILE`")
	flags.StringVar(&f.certificates.Certificate, "client-cert", "",
		"prove who asks with the certificate in `FILE` (PEM)")
	flags.StringVar(&f.certificates.Key, "client-key", "",
		"the private key of the certificate is in `FILE` (PEM)")
	flags.StringVar(&f.certificates.CA, "ca", "",
		"trust a service whose certificate is signed by those in `FILE` (PEM), and no other")
}

// Paths adds the paths that the flags name to those of the command.
func (f *Connection) Paths(paths *iopaths.Paths) {
	for _, path := range []string{
		f.passwordFile, f.sharedKeyFile,
		f.certificates.Certificate, f.certificates.Key, f.certificates.CA,
	} {
		if path != "" {
			paths.Read(path)
		}
	}
}

// Client returns a client of the mailbox. It says on the terminal why it waits, and warns if others
// can read the secrets.
func (f *Connection) Client(t *ui.Terminal) (*api.Client, error) {
	password, err := secret(t, f.passwordFile, runflags.MESHPasswordVariable)
	if err != nil {
		return nil, err
	}
	sharedKey, err := secret(t, f.sharedKeyFile, runflags.MESHSharedKeyVariable)
	if err != nil {
		return nil, err
	}
	poll, err := pollForTests()
	if err != nil {
		return nil, err
	}
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return nil, err
	}
	runflags.WarnIfLoose(t, f.certificates.Key)
	return api.New(api.Config{
		URL: f.url, Mailbox: f.mailbox, Password: password, SharedKey: sharedKey,
		Certificates: f.certificates, StateDir: state, Version: buildinfo.Version(), Poll: poll,
		Waiting: func(reason string, wait time.Duration) {
			t.Say("%s; noo tries again in %v", reason, wait.Round(time.Second))
		},
	})
}

// pollForTests returns the time between two looks into the inbox that tests set, or 0. A service
// that is not on this machine is never asked more often than it allows.
func pollForTests() (time.Duration, error) {
	text := os.Getenv(runflags.MESHPollVariable)
	if text == "" {
		return 0, nil
	}
	poll, err := time.ParseDuration(text)
	if err != nil || poll <= 0 {
		return 0, outcome.Usage(fmt.Errorf("%s: want a time such as 1s", runflags.MESHPollVariable))
	}
	return poll, nil
}

// mostSecret is the size of the largest password or shared key, in bytes.
const mostSecret = 4096

// secret returns what is in a file, or else in an environment variable, without the line end. It
// is "" if neither is named.
func secret(t *ui.Terminal, path, variable string) (api.Secret, error) {
	text := os.Getenv(variable)
	switch {
	case path == "":
		return api.Secret(text), nil
	case text != "":
		return "", outcome.Usage(fmt.Errorf(
			"%s is set, and so is a file for the same: use one of them", variable))
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", nhsnumber.Mask(path), atomicfile.Cause(err))
	}
	defer file.Close()
	runflags.WarnIfLoose(t, path)
	content, err := io.ReadAll(io.LimitReader(file, mostSecret+1))
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", nhsnumber.Mask(path), atomicfile.Cause(err))
	}
	text = strings.TrimRight(string(content), "\r\n")
	if text == "" || len(content) > mostSecret || strings.ContainsAny(text, "\r\n\x00") {
		return "", outcome.Usage(fmt.Errorf(
			"%s: it must have one line, with the secret and nothing else", nhsnumber.Mask(path)))
	}
	return api.Secret(text), nil
}
