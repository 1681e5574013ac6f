package runflags

// The environment variables of noo, and how flags get their values from them.

import (
	"errors"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/settings"
	"noo/internal/atomicfile"
	"noo/snapshot"
)

// PasswordVariable holds the password of a private key where there is no terminal to ask for it.
const PasswordVariable = "NOO_KEY_PASSWORD"

// Variables of commands that use the MESH API, where no flag may hold the value.
const (
	// MESHPasswordVariable holds the password of the mailbox, if no file does.
	MESHPasswordVariable = "NOO_MESH_PASSWORD"
	// MESHSharedKeyVariable holds the shared key of the environment, if no file does.
	MESHSharedKeyVariable = "NOO_MESH_SHARED_KEY"
	// MESHPollVariable is for tests: the time between two looks into an inbox on this machine.
	MESHPollVariable = "NOO_MESH_POLL"
)

// Environment are the environment variables of noo. Cobra reads the last two of the others.
var Environment = settings.Environment{
	Prefix: "NOO_",
	Whole:  []string{"snapshot"}, // separated as in PATH
	Renamed: map[string]string{
		"trusted-key":     "NOO_TRUSTED_KEYS", // the same
		"api":             "NOO_MESH_API",
		"mailbox":         "NOO_MESH_MAILBOX",
		"to":              "NOO_MESH_TO",
		"workflow":        "NOO_MESH_WORKFLOW",
		"password-file":   "NOO_MESH_PASSWORD_FILE",
		"shared-key-file": "NOO_MESH_SHARED_KEY_FILE",
		"client-cert":     "NOO_MESH_CLIENT_CERT",
		"client-key":      "NOO_MESH_CLIENT_KEY",
		"ca":              "NOO_MESH_CA",
	},
	Others: []string{
		snapshot.StateDirVariable, PasswordVariable, IdentityPasswordVariable,
		atomicfile.HiddenVariable,
		MESHPasswordVariable, MESHSharedKeyVariable, MESHPollVariable,
		"NOO_ACTIVE_HELP", "NOO_COMPLETION_DESCRIPTIONS",
	},
}

// Resolve sets the flags of a command that are not on its command line.
func Resolve(flags *pflag.FlagSet, sources ...settings.Values) (settings.Values, error) {
	values, err := settings.Resolve(flags, sources...)
	if wrong, ok := errors.AsType[*settings.Error](err); ok &&
		wrong.Source.Kind == settings.FromFlag {
		err = outcome.Usage(err)
	}
	return values, err
}
