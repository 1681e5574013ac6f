package settings

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"noo/cmd/noo/internal/flagvalue"
	"noo/internal/atomicfile"
	"noo/internal/nearest"
	"noo/internal/nhsnumber"
)

// File is a config file: jobs, each a command with its inputs and flags under a name.
type File struct {
	Path string
	Jobs []*Job // in the order of the file
}

// Job is a command line under a name.
type Job struct {
	Name    string
	Place   string // FILE:LINE
	Command string // the name of a Command
	Inputs  []string
	Values  Values
}

// Command is a command that a job may run.
type Command struct {
	Name  string
	Flags *pflag.FlagSet
}

// The keys of a job that are no flags. No flag may have such a name.
const (
	CommandKey = "command"
	InputKey   = "input"
)

// maxFile is far above the size of a config file. It bounds what noo reads if the name is wrong.
const maxFile = 1 << 20

// jobName is a valid name of a job: easy to type, and neither a flag nor a file.
var jobName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// ReadFile returns the text of a config file. It returns an *Error if the file is too large.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the config file %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the config file %s: %w", path, atomicfile.Cause(err))
	}
	if len(text) > maxFile {
		return nil, wrong(Source{FromConfig, path}, "%s is too large for a config file", path)
	}
	return text, nil
}

// Parse reads the text of the config file at path. Jobs may run the commands, and run the first if
// they name none. Parse is strict: it accepts no key that it does not know. All its errors are an
// *Error with the path and, where there is one, the line. Paths in a job are relative to the folder
// of the file; Parse returns them joined to that folder.
func Parse(path string, text []byte, commands []Command) (*File, error) {
	r := reader{path: path, commands: commands}
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, r.notYAML(text, err)
	}
	return r.file(document.Content[0])
}

// reader reads a config file.
type reader struct {
	path     string
	commands []Command
}

// file reads the whole file.
func (r *reader) file(root *yaml.Node) (*File, error) {
	entries, err := r.mapping(root, "defaults and jobs")
	if err != nil {
		return nil, err
	}
	f := &File{Path: r.path}
	defaults := Values{}
	var jobs []entry
	for _, e := range entries {
		switch e.key.Value {
		case "defaults":
			if defaults, err = r.defaults(e.value); err != nil {
				return nil, err
			}
		case "jobs":
			if jobs, err = r.mapping(e.value, "jobs by their names"); err != nil {
				return nil, err
			}
		default:
			return nil, r.unknown(e.key, []string{"defaults", "jobs"}, "want defaults or jobs")
		}
	}
	if len(jobs) == 0 {
		return nil, r.wrong(root, "there is no job: want jobs, and below it the names of jobs")
	}
	for _, e := range jobs {
		j, err := r.job(e, defaults)
		if err != nil {
			return nil, err
		}
		f.Jobs = append(f.Jobs, j)
	}
	return f, nil
}

// defaults reads what all jobs have in common: flags that one of the commands has.
func (r *reader) defaults(node *yaml.Node) (Values, error) {
	entries, err := r.mapping(node, "flags by their names")
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, e := range entries {
		var flag *pflag.Flag
		for _, command := range r.commands {
			if flag == nil {
				flag = find(command.Flags, e.key.Value)
			}
		}
		if flag == nil {
			const reason = "no command that a job may run has such a flag"
			return nil, r.unknown(e.key, flagNames(r.commands...), reason)
		}
		if values[flag.Name], err = r.value(flag, e); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// job reads a job.
func (r *reader) job(e entry, defaults Values) (*Job, error) {
	if !jobName.MatchString(e.key.Value) || nhsnumber.Mask(e.key.Value) != e.key.Value {
		const reason = "no name for a job: want letters, digits, - and _, with a letter first"
		return nil, r.wrong(e.key, reason)
	}
	entries, err := r.mapping(e.value, "what the job does")
	if err != nil {
		return nil, err
	}
	command, err := r.command(entries)
	if err != nil {
		return nil, err
	}
	j := &Job{Name: e.key.Value, Place: r.place(e.key), Command: command.Name, Values: Values{}}
	for _, e := range entries {
		switch e.key.Value {
		case CommandKey:
		case InputKey:
			if j.Inputs, err = r.paths(e); err != nil {
				return nil, err
			}
		default:
			flag := find(command.Flags, e.key.Value)
			if flag == nil {
				names := append(flagNames(command), CommandKey, InputKey)
				return nil, r.unknown(e.key, names, "the command "+command.Name+" has no such flag")
			}
			if j.Values[flag.Name], err = r.value(flag, e); err != nil {
				return nil, err
			}
		}
	}
	for name, value := range defaults {
		if _, own := j.Values[name]; !own && find(command.Flags, name) != nil {
			j.Values[name] = value
		}
	}
	return j, nil
}

// command returns the command that a job with these entries runs.
func (r *reader) command(entries []entry) (Command, error) {
	found := r.commands[0]
	for _, e := range entries {
		if e.key.Value != CommandKey {
			continue
		}
		var names []string
		for _, command := range r.commands {
			names = append(names, command.Name)
		}
		want := "one of " + strings.Join(names, ", ")
		text, err := r.text(e, want)
		if err != nil {
			return found, err
		}
		at := slices.Index(names, text)
		if at < 0 {
			return found, r.wrong(e.value, "%s: want %s", CommandKey, want)
		}
		found = r.commands[at]
	}
	return found, nil
}

// unknown is the error for a key that does not exist.
func (r *reader) unknown(key *yaml.Node, names []string, otherwise string) error {
	if near := nearest.Name(key.Value, names); near != "" {
		otherwise = fmt.Sprintf("did you mean %q?", near)
	}
	return r.wrong(key, "unknown key %s: %s", quoted(key.Value), otherwise)
}

// flagNames lists the flags of the commands that a job may set.
func flagNames(commands ...Command) []string {
	var names []string
	for _, command := range commands {
		for _, flag := range Flags(command.Flags) {
			names = append(names, flag.Name)
		}
	}
	return names
}

// value reads the value of a flag: one, or a list for a flag that may be repeated.
func (r *reader) value(flag *pflag.Flag, e entry) (Value, error) {
	value := Value{Source: Source{FromConfig, r.place(e.key)}}
	nodes := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		if !flagvalue.Repeatable(flag) {
			return value, r.wrong(e.value, "%s: want one value, not a list", flag.Name)
		}
		if err := r.plain(e.value); err != nil {
			return value, err
		}
		nodes = e.value.Content
	}
	for _, node := range nodes {
		text, err := r.flagText(flag, entry{e.key, node})
		if err != nil {
			return value, err
		}
		value.Texts = append(value.Texts, text)
	}
	return value, nil
}

// flagText reads one value of a flag.
func (r *reader) flagText(flag *pflag.Flag, e entry) (string, error) {
	if flag.Value.Type() != "bool" {
		text, err := r.text(e, "a value")
		if err == nil && flagvalue.IsPath(flag) {
			text = r.join(text)
		}
		return text, err
	}
	const want = "true or false"
	if e.value.ShortTag() == "!!bool" {
		return strings.ToLower(e.value.Value), r.plain(e.value)
	}
	if _, err := r.text(e, want); err != nil {
		return "", err
	}
	return "", r.wrong(e.value, "%s: want %s", flag.Name, want)
}

// paths reads one path or a list of them.
func (r *reader) paths(e entry) ([]string, error) {
	nodes := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		if err := r.plain(e.value); err != nil {
			return nil, err
		}
		nodes = e.value.Content
	}
	var paths []string
	for _, node := range nodes {
		text, err := r.text(entry{e.key, node}, "a file")
		if err != nil {
			return nil, err
		}
		paths = append(paths, r.join(text))
	}
	return paths, nil
}

// join returns a path of the file as seen from the working folder. "-" is no path.
func (r *reader) join(path string) string {
	if path == "-" || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(filepath.Dir(r.path), path)
	if os.IsPathSeparator(path[len(path)-1]) {
		joined += string(filepath.Separator) // which marks a folder
	}
	return joined
}

// quoted shows a word of the file.
func quoted(word string) string {
	word = nhsnumber.Mask(word) // before it is cut: nobody recognises part of a number
	if len(word) > 40 {
		word = word[:40] + "..."
	}
	return fmt.Sprintf("%q", word)
}
