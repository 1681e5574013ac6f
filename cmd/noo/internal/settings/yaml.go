package settings

// The part of YAML that a config file may use: mappings, lists and plain values.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"noo/internal/nhsnumber"
)

// entry is a key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping, whose keys are plain words and differ.
func (r *reader) mapping(node *yaml.Node, what string) ([]entry, error) {
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
		same := func(e entry) bool { return e.key.Value == key.Value }
		if first := slices.IndexFunc(entries, same); first >= 0 {
			line := entries[first].key.Line
			return nil, r.wrong(key, "%s exists already, in line %d", quoted(key.Value), line)
		}
		entries = append(entries, entry{key, value})
	}
	return entries, nil
}

// plain refuses anchors, aliases and tags: a value is in one place, and is what it looks like.
func (r *reader) plain(node *yaml.Node) error {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return r.wrong(node, "a config file has no anchors and aliases: write the value out")
	case node.Style&yaml.TaggedStyle != 0:
		return r.wrong(node, "a config file has no tags: write the value alone")
	}
	return nil
}

// text reads a value as it is written. true, false and null are no text, unless they are in quotes.
func (r *reader) text(e entry, what string) (string, error) {
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

// wrong is an error at a place of the file.
func (r *reader) wrong(at *yaml.Node, format string, args ...any) error {
	place := r.place(at)
	return wrong(Source{FromConfig, place}, "%s: %s", place, fmt.Sprintf(format, args...))
}

func (r *reader) place(at *yaml.Node) string { return fmt.Sprintf("%s:%d", r.path, at.Line) }

// atLine is an error at a line of the file.
func (r *reader) atLine(line int, format string, args ...any) error {
	return r.wrong(&yaml.Node{Line: line}, format, args...)
}

// notYAML says where a file is not YAML, in one line and without an excerpt.
func (r *reader) notYAML(text []byte, err error) error {
	bad, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok || bad.Mark.Line == 0:
		if before, ok := readable(text); !ok {
			return r.atLine(1+strings.Count(before, "\n"), "want text in UTF-8")
		}
		if line := secondDocument(text); line > 0 {
			return r.atLine(line, "a second YAML document starts here: want one")
		}
		return wrong(
			Source{FromConfig, r.path},
			"%s is no config file: want one YAML document",
			r.path,
		)
	case strings.ContainsAny(bad.Message, `'"`) && strings.Contains(bad.Message, "anchor"):
		return r.atLine(bad.Mark.Line, "a config file has no aliases: write the value out")
	}
	line, what := bad.Mark.Line, bad.Message
	if bad.ContextMsg != "" && bad.ContextMark.Line > 0 { // where the broken thing starts
		line, what = bad.ContextMark.Line, bad.ContextMsg+": "+what
	}
	return r.atLine(line, "not YAML: %s", nhsnumber.Mask(what))
}

// secondDocument returns the line in which the second YAML document of a file starts, or 0.
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

// readable reports whether a file is text in UTF-8. If not, it returns what comes before the
// mistake.
func readable(text []byte) (before string, ok bool) {
	for i, c := range string(text) {
		_, size := utf8.DecodeRune(text[i:])
		control := unicode.IsControl(c) && !strings.ContainsRune("\t\n\r", c)
		if control || c == utf8.RuneError && size == 1 {
			return string(text[:i]), false
		}
	}
	return string(text), true
}
