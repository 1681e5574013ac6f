package main

// The config file: jobs, each a command with its inputs and flags under a name. It is read strictly: what noo does not
// know, it does not pass over.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/internal/nhsnumber"
)

// maxConfig is far above the size of a config file, and bounds what a wrong name makes us read.
const maxConfig = 1 << 20

// jobCommands are the commands that a job may run. The first is meant where a job names none.
var jobCommands = []string{"filter", "check"}

// config is a config file, read and found good.
type config struct {
	path string
	jobs []*configJob // in the order of the file
}

// configJob is a command line under a name.
type configJob struct {
	name    string
	place   string // FILE:LINE
	command string // one of jobCommands
	inputs  []string
	given   layer
}

// keys of a job that are no flags.
const (
	commandKey = "command"
	inputKey   = "input"
)

// jobName is what jobs may be called: something that is easy to type and cannot be taken for a flag or a file.
var jobName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// configReader reads a config file.
type configReader struct {
	path  string
	flags map[string]*pflag.FlagSet // of the commands, by their names
}

// readConfig reads a config file. Whatever is wrong in it is a settingError with the file's name and the line.
func readConfig(t terminal, path string) (*config, error) {
	text, err := readConfigFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(t, path, text)
}

func readConfigFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the config file %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("reading the config file %s: %w", path, atomicfile.Cause(err))
	}
	if len(text) > maxConfig {
		return nil, settingError{fmt.Errorf("%s is too large for a config file", path)}
	}
	return text, nil
}

func parseConfig(t terminal, path string, text []byte) (*config, error) {
	t = rehearsal(t)
	r := configReader{path: path, flags: map[string]*pflag.FlagSet{}}
	for _, name := range jobCommands {
		cmd, err := freshCommand(t, name)
		if err != nil {
			return nil, err
		}
		r.flags[name] = cmd.Flags()
	}
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, r.notYAML(text, err)
	}
	c, err := r.config(document.Content[0])
	if err != nil {
		return nil, err
	}
	for _, j := range c.jobs {
		// Once over all jobs, so that a mistake is found before the night in which the job runs.
		cmd, _, err := j.prepare(t, j.given)
		if err != nil {
			return nil, err
		}
		if err := cmd.ValidateArgs(j.inputs); err != nil {
			return nil, settingError{fmt.Errorf("%s: job %s: %w", j.place, j.name, err)}
		}
	}
	if err := c.keepFiguresApart(); err != nil {
		return nil, err
	}
	return c, nil
}

// keepFiguresApart refuses jobs that write their figures to the same file, whether or not they will run together: monitoring would
// see those of the last alone.
func (c *config) keepFiguresApart() error {
	var written []iopaths.Place
	var writers []*configJob
	for _, j := range c.jobs {
		g, ok := j.given[metricsFlag]
		if !ok {
			continue
		}
		place := iopaths.PlaceOf(g.texts[0])
		for i, other := range writers {
			if written[i].Same(place) {
				return settingError{fmt.Errorf("%s: %s: the jobs %s and %s would write their figures to the same file, and lose the other's: give each job its own",
					g.origin.place, metricsFlag, other.name, j.name)}
			}
		}
		written, writers = append(written, place), append(writers, j)
	}
	return nil
}

// notYAML says where a file is no YAML, in one line and without an excerpt.
func (r *configReader) notYAML(text []byte, err error) error {
	bad, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok || bad.Mark.Line == 0:
		if before, ok := readable(text); !ok {
			return settingError{fmt.Errorf("%s:%d: want text in UTF-8", r.path, 1+strings.Count(before, "\n"))}
		}
		if line := secondDocument(text); line > 0 {
			return settingError{fmt.Errorf("%s:%d: a second YAML document starts here: want one", r.path, line)}
		}
		return settingError{fmt.Errorf("%s is no config file: want one YAML document", r.path)}
	case strings.ContainsAny(bad.Message, `'"`) && strings.Contains(bad.Message, "anchor"):
		return settingError{fmt.Errorf("%s:%d: aliases mean nothing here: write the value out", r.path, bad.Mark.Line)}
	}
	line, what := bad.Mark.Line, bad.Message
	if bad.ContextMsg != "" && bad.ContextMark.Line > 0 {
		line, what = bad.ContextMark.Line, bad.ContextMsg+": "+what // where the thing starts that went wrong
	}
	return settingError{fmt.Errorf("%s:%d: not YAML: %s", r.path, line, nhsnumber.Mask(what))}
}

// secondDocument is the line in which the second YAML document of a file starts, or 0.
func secondDocument(text []byte) int {
	loader, err := yaml.NewLoader(strings.NewReader(string(text)))
	if err != nil {
		return 0
	}
	var document yaml.Node
	for range 2 {
		document = yaml.Node{}
		if err := loader.Load(&document); err != nil {
			return 0
		}
	}
	return document.Line
}

// readable tells whether a file is text in UTF-8, and where it is not, what comes before that.
func readable(text []byte) (before string, ok bool) {
	for i, c := range string(text) {
		_, size := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && size == 1 || unicode.IsControl(c) && !strings.ContainsRune("\t\n\r", c) {
			return string(text[:i]), false
		}
	}
	return string(text), true
}

// wrong is an error at a place of the file.
func (r *configReader) wrong(at *yaml.Node, format string, args ...any) error {
	return settingError{fmt.Errorf("%s: %s", r.place(at), fmt.Sprintf(format, args...))}
}

func (r *configReader) place(at *yaml.Node) string { return fmt.Sprintf("%s:%d", r.path, at.Line) }

// entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping, whose keys are plain words and differ.
func (r *configReader) mapping(node *yaml.Node, what string) ([]entry, error) {
	if node.Kind != yaml.MappingNode {
		return nil, r.wrong(node, "want %s, as key: value", what)
	}
	if err := r.plain(node); err != nil {
		return nil, err
	}
	var entries []entry
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return nil, r.wrong(key, "want a name before the colon")
		}
		if err := r.plain(key); err != nil {
			return nil, err
		}
		if first := slices.IndexFunc(entries, func(e entry) bool { return e.key.Value == key.Value }); first >= 0 {
			return nil, r.wrong(key, "%s is there already, in line %d", quoted(key.Value), entries[first].key.Line)
		}
		entries = append(entries, entry{key, value})
	}
	return entries, nil
}

// plain refuses what YAML has and a config file does not: one value stands in one place, and is what it looks like.
func (r *configReader) plain(node *yaml.Node) error {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return r.wrong(node, "anchors and aliases mean nothing here: write the value out")
	case node.Style&yaml.TaggedStyle != 0:
		return r.wrong(node, "tags mean nothing here: write the value alone")
	}
	return nil
}

// config reads the whole file.
func (r *configReader) config(root *yaml.Node) (*config, error) {
	entries, err := r.mapping(root, "defaults and jobs")
	if err != nil {
		return nil, err
	}
	c := &config{path: r.path}
	defaults := map[string]given{}
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
		c.jobs = append(c.jobs, j)
	}
	return c, nil
}

// defaults reads what all jobs have in common: flags that one of the commands has.
func (r *configReader) defaults(node *yaml.Node) (layer, error) {
	entries, err := r.mapping(node, "flags by their names")
	if err != nil {
		return nil, err
	}
	l := layer{}
	for _, e := range entries {
		var flag *pflag.Flag
		for _, command := range jobCommands {
			if flag == nil {
				flag = lookup(r.flags[command], e.key.Value)
			}
		}
		if flag == nil {
			return nil, r.unknown(e.key, r.names(jobCommands...), "no command that a job may run has such a flag")
		}
		if l[flag.Name], err = r.given(flag, e); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// job reads a job.
func (r *configReader) job(e entry, defaults layer) (*configJob, error) {
	if !jobName.MatchString(e.key.Value) || nhsnumber.Mask(e.key.Value) != e.key.Value {
		return nil, r.wrong(e.key, "no name for a job: want letters, digits, - and _, with a letter first")
	}
	entries, err := r.mapping(e.value, "what the job does")
	if err != nil {
		return nil, err
	}
	j := &configJob{name: e.key.Value, place: r.place(e.key), command: jobCommands[0], given: layer{}}
	for _, e := range entries {
		if e.key.Value == commandKey {
			text, err := r.text(e, "one of "+strings.Join(jobCommands, ", "))
			if err != nil {
				return nil, err
			}
			if !slices.Contains(jobCommands, text) {
				return nil, r.wrong(e.value, "%s: want one of %s", commandKey, strings.Join(jobCommands, ", "))
			}
			j.command = text
		}
	}
	flags := r.flags[j.command]
	for _, e := range entries {
		switch e.key.Value {
		case commandKey:
		case inputKey:
			if j.inputs, err = r.paths(e); err != nil {
				return nil, err
			}
		default:
			flag := lookup(flags, e.key.Value)
			if flag == nil {
				return nil, r.unknown(e.key, append(r.names(j.command), commandKey, inputKey), "noo "+j.command+" has no such flag")
			}
			if j.given[flag.Name], err = r.given(flag, e); err != nil {
				return nil, err
			}
		}
	}
	for name, g := range defaults {
		if _, own := j.given[name]; !own && lookup(flags, name) != nil {
			j.given[name] = g
		}
	}
	return j, nil
}

// unknown is the error for a key that there is not.
func (r *configReader) unknown(key *yaml.Node, names []string, otherwise string) error {
	if near := nearest(key.Value, names); near != "" {
		otherwise = fmt.Sprintf("did you mean %q?", near)
	}
	return r.wrong(key, "unknown key %s: %s", quoted(key.Value), otherwise)
}

// names are the names of the flags that jobs of the commands may set.
func (r *configReader) names(commands ...string) []string {
	var names []string
	for _, command := range commands {
		for _, flag := range settable(r.flags[command]) {
			names = append(names, flag.Name)
		}
	}
	return names
}

// lookup is the flag that a job may set, or nil.
func lookup(flags *pflag.FlagSet, name string) *pflag.Flag {
	flag := flags.Lookup(name)
	if flag == nil || !slices.Contains(settable(flags), flag) {
		return nil
	}
	return flag
}

// given reads the value of a flag: one, or a list for a flag that may be repeated.
func (r *configReader) given(flag *pflag.Flag, e entry) (given, error) {
	g := given{origin: origin{fromConfig, r.place(e.key)}}
	values := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		if !repeatable(flag) {
			return g, r.wrong(e.value, "%s: want one value, not a list", flag.Name)
		}
		if err := r.plain(e.value); err != nil {
			return g, err
		}
		values = e.value.Content
	}
	what := "a value"
	if flag.Value.Type() == "bool" {
		what = "true or false"
	}
	for _, value := range values {
		if value.ShortTag() == "!!bool" && flag.Value.Type() == "bool" {
			if err := r.plain(value); err != nil {
				return g, err
			}
			g.texts = append(g.texts, strings.ToLower(value.Value))
			continue
		}
		text, err := r.text(entry{e.key, value}, what)
		if err != nil {
			return g, err
		}
		if flag.Value.Type() == "bool" {
			return g, r.wrong(value, "%s: want true or false", flag.Name)
		}
		if namesFile(flag) {
			text = r.beside(text)
		}
		g.texts = append(g.texts, text)
	}
	return g, nil
}

// paths reads one path or a list of them.
func (r *configReader) paths(e entry) ([]string, error) {
	values := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		if err := r.plain(e.value); err != nil {
			return nil, err
		}
		values = e.value.Content
	}
	var paths []string
	for _, value := range values {
		text, err := r.text(entry{e.key, value}, "a file")
		if err != nil {
			return nil, err
		}
		paths = append(paths, r.beside(text))
	}
	return paths, nil
}

// text reads a value as it is written. true, false and null are none: in quotes they are text.
func (r *configReader) text(e entry, what string) (string, error) {
	if err := r.plain(e.value); err != nil {
		return "", err
	}
	tag := e.value.ShortTag()
	switch {
	case e.value.Kind != yaml.ScalarNode || tag == "!!bool" || tag == "!!null":
		return "", r.wrong(e.value, "%s: want %s", e.key.Value, what)
	case e.value.Value == "":
		return "", r.wrong(e.value, "%s: it is empty: leave it out, or want %s", e.key.Value, what)
	case strings.ContainsAny(e.value.Value, "\n\r\x00"):
		return "", r.wrong(e.value, "%s: want %s in one line", e.key.Value, what)
	}
	return e.value.Value, nil
}

// beside is a path as it is meant in the file: from the folder in which the file is.
func (r *configReader) beside(path string) string {
	if path == "-" || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(filepath.Dir(r.path), path)
	if os.IsPathSeparator(path[len(path)-1]) {
		joined += string(filepath.Separator) // which says that it is a folder
	}
	return joined
}

// quoted shows a word that stands in a file.
func quoted(word string) string {
	word = nhsnumber.Mask(word) // before it is cut: a part of a number is no number
	if len(word) > 40 {
		word = word[:40] + "..."
	}
	return fmt.Sprintf("%q", word)
}

// prepare returns the command of a job with its flags set from the layers, the first of which goes before, and what
// they were set to.
func (j *configJob) prepare(t terminal, layers ...layer) (*cobra.Command, layer, error) {
	cmd, err := freshCommand(t, j.command)
	if err != nil {
		return nil, nil, err
	}
	settled, err := settle(cmd.Flags(), layers...)
	return cmd, settled, err
}

// freshCommand returns a command of a tree of its own, none of whose flags is set.
func freshCommand(t terminal, name string) (*cobra.Command, error) {
	root, _ := newTree(t)
	cmd, _, err := root.Find([]string{name})
	if err != nil {
		return nil, err
	}
	return cmd, cmd.ParseFlags(nil) // which adds the flags that the commands above have
}

// rehearsal is a terminal for commands that are not to be run: whatever their flags do when they are set, nobody sees it.
func rehearsal(t terminal) terminal {
	return terminal{in: t.in, out: io.Discard, err: io.Discard, log: &journal{to: io.Discard}, settled: new(atomic.Bool)}
}

// configPath is the config file to use: the one named, else the user's, where there is one.
func configPath(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	path := defaultConfig()
	_, err := os.Stat(path)
	switch {
	case path == "" || errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("cannot read the config file %s: %w", path, atomicfile.Cause(err))
	}
	return path, nil
}

// defaultConfig is where the user's config file is looked for, or "".
func defaultConfig() string {
	dir, err := os.UserConfigDir()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "noo", "config.yaml")
}
