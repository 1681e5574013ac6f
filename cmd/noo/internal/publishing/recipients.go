package publishing

// For whom a command encrypts what it writes: a snapshot names who opted out.

import (
	"io"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/internal/iopaths"
	"noo/snapshot/sealed"
)

// Recipients are the flags that name the recipients.
type Recipients struct {
	named []string
	files []string
	keys  []age.Recipient // after Validate
}

// Add adds the flags to a command.
func (f *Recipients) Add(cmd *cobra.Command) {
	flagvalue.AddTexts(
		cmd.Flags(),
		&f.named,
		"recipient",
		"encrypt the output for `RECIPIENT`: age1…, or an SSH public key; may be repeated",
		func(text string) error {
			_, err := sealed.ParseRecipient(text)
			return err
		},
	)
	cmd.Flags().StringArrayVar(
		&f.files,
		"recipients-file",
		nil,
		"encrypt the output for the recipients in `FILE`, one a line; may be repeated",
	)
}

// Validate loads the recipients, and refuses those for which nothing can be encrypted.
func (f *Recipients) Validate() error {
	f.keys = nil
	for _, text := range f.named {
		key, err := sealed.ParseRecipient(text)
		if err != nil {
			return outcome.Usage(err)
		}
		f.keys = append(f.keys, key)
	}
	for _, file := range f.files {
		keys, err := sealed.ReadRecipients(file)
		if err != nil {
			return err
		}
		f.keys = append(f.keys, keys...)
	}
	if f.Any() {
		return sealed.CheckRecipients(f.keys)
	}
	return nil
}

// Any reports whether the output is to be encrypted.
func (f *Recipients) Any() bool { return len(f.keys) > 0 }

// Paths adds the files to the paths of the command.
func (f *Recipients) Paths(paths *iopaths.Paths) {
	for _, file := range f.files {
		paths.Read(file)
	}
}

// Write has write write to w, through encryption if there are recipients.
func (f *Recipients) Write(w io.Writer, write func(io.Writer) error) error {
	if !f.Any() {
		return write(w)
	}
	encrypted, err := sealed.NewWriter(w, f.keys)
	if err != nil {
		return err
	}
	if err := write(encrypted); err != nil {
		return err
	}
	return encrypted.Close()
}
