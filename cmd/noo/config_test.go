package main

// The config file is read by a library and a walk over what it gives: neither may panic, and what is wrong is said in
// one line that starts with the file's name and holds no NHS number.

import (
	"io"
	"os"
	"strings"
	"testing"

	"noo/internal/nhsnumber"
)

func FuzzConfig(f *testing.F) {
	script, err := os.ReadFile("testdata/settings_config.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range strings.Split(string(script), "\n-- ") {
		_, text, _ := strings.Cut(file, " --\n")
		f.Add(text)
	}
	f.Add("jobs:\n  a:\n    input: x\x00\n")
	f.Add("jobs: {a: {input: [x, [y]]}}")
	f.Add("\xff\xfej\x00")
	t := silent(io.Discard, io.Discard)
	f.Fuzz(func(test *testing.T, text string) {
		c, err := parseConfig(t, "some.yaml", []byte(text))
		if err == nil {
			if len(c.jobs) == 0 {
				test.Error("a config file without jobs was read")
			}
			return
		}
		if !is[settingError](err) {
			test.Errorf("not an error of the file: %v", err)
		}
		said := message(test.Context(), err)
		if !strings.HasPrefix(said, "some.yaml:") && said != "some.yaml is no config file: want one YAML document" {
			test.Errorf("no place: %s", said)
		}
		if nhsnumber.Mask(said) != said {
			test.Error("an NHS number was printed")
		}
	})
}

func TestConfigIsText(t *testing.T) {
	for text, want := range map[string]string{
		"jobs:\n  a:\n    input: x\x01\n": "some.yaml:3: want text in UTF-8",
		"jobs:\n  a: \xff\n":              "some.yaml:2: want text in UTF-8",
	} {
		_, err := parseConfig(silent(io.Discard, io.Discard), "some.yaml", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
