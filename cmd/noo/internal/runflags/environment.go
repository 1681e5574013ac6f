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

// Environment are the environment variables of noo. Cobra reads the last two of the others.
var Environment = settings.Environment{
	Prefix:  "NOO_",
	Renamed: map[string]string{"trusted-key": "NOO_TRUSTED_KEYS"}, // separated as in PATH
	Whole:   []string{"snapshot"},                                 // the same
	Others: []string{
		snapshot.StateDirVariable, PasswordVariable, atomicfile.HiddenVariable,
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
