//go:build unix

package main

// What docs/ tells people to put into their CI servers and schedulers is read, and its commands are
// run, by these tests.

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// pipeline is what the tests need of the files of all three CI servers.
type pipeline struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []step
	}
	Variables map[string]string
	Steps     []step
	Job       struct {
		Variables map[string]string
		Script    []string
	} `yaml:"noo-check"`
}

type step struct{ Run, Bash string }

// script gives the shell parts of a pipeline as its server runs them, and the variables that it
// sets.
func (p *pipeline) script() (script string, variables map[string]string) {
	variables = map[string]string{}
	add := func(more map[string]string) {
		for name, value := range more {
			variables[name] = value
		}
	}
	for _, job := range p.Jobs {
		add(job.Env)
		for _, step := range job.Steps {
			if step.Run != "" {
				script += "set -eo pipefail\n" + step.Run
			}
		}
	}
	if len(p.Job.Script) > 0 {
		script += "set -eo pipefail\n" + strings.Join(p.Job.Script, "\n")
		add(p.Job.Variables)
	}
	for _, step := range p.Steps {
		script += step.Bash
	}
	add(p.Variables)
	return script, variables
}

func TestCIExamples(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the examples are for bash")
	}
	for _, name := range []string{"github-actions.yml", "gitlab-ci.yml", "azure-pipelines.yml"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../docs/ci", name))
			if err != nil {
				t.Fatal(err)
			}
			var p pipeline
			if err := yaml.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			script, variables := p.script()
			for _, variable := range []string{"NOO_SNAPSHOT", "NOO_TRUSTED_KEYS"} {
				if variables[variable] == "" {
					t.Errorf("it does not set %s", variable)
				}
			}
			dir := smallRun(t)
			if err := os.Mkdir(filepath.Join(dir, "extracts"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name, content string
				code          int
			}{
				{"clean.csv", "nhs_number\n9995609649\n", 0},
				{"found.csv", "nhs_number\n9434765919\n", 1},
				{"broken.csv", "nhs_number,x\n9995609649\n", 4},
			} {
				if err := os.WriteFile(filepath.Join(dir, "extracts", c.name), []byte(c.content), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := noo(dir)
				cmd.Path, cmd.Args = bash, []string{"bash", "--noprofile", "--norc", "-c", script}
				cmd.Env = append(cmd.Env, "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"), "BUILD_ARTIFACTSTAGINGDIRECTORY="+dir)
				out, err := cmd.CombinedOutput()
				if code := cmd.ProcessState.ExitCode(); code != c.code {
					t.Fatalf("with %s: exit code %d, want %d (%v): %s", c.name, code, c.code, err, out)
				}
				if !strings.Contains(string(out), c.name+": ") {
					t.Errorf("with %s: it is not named in %s", c.name, out)
				}
				for _, written := range []string{"noo.xml", "noo.sarif"} {
					if content, err := os.ReadFile(filepath.Join(dir, written)); err != nil || !strings.Contains(string(content), "extracts/"+c.name) {
						t.Errorf("with %s: %s does not name it (%v)", c.name, written, err)
					}
				}
			}
			if name == "github-actions.yml" {
				if summary, err := os.ReadFile(filepath.Join(dir, "summary.md")); err != nil || strings.Count(string(summary), "### noo check") != 3 {
					t.Errorf("the summary: %s, %v", summary, err)
				}
			}
		})
	}
}

// nightly runs a command line of a scheduler with its paths moved into a folder, where the root of
// everything that it names is made, and looks at what it leaves. moved translates a path.
func nightly(t *testing.T, dir string, moved func(string) string, environment []string, arguments []string) {
	t.Helper()
	var own []string
	for i, argument := range arguments {
		arguments[i] = moved(argument)
		if strings.HasPrefix(arguments[i], dir) {
			if err := os.MkdirAll(filepath.Dir(arguments[i]), 0o700); err != nil {
				t.Fatal(err)
			}
			own = append(own, arguments[i])
		}
	}
	given := map[string]string{"optouts.noo": filepath.Join(dir, ".given", "optouts.noo"), "publisher.pub": filepath.Join(dir, ".given", "publisher.pub")}
	place := func(path string) {
		if source := given[filepath.Base(path)]; source != "" {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(source, path); err != nil && !errors.Is(err, os.ErrExist) {
				t.Fatal(err)
			}
		}
	}
	cmd := noo(dir, arguments...)
	for _, assignment := range environment {
		name, value, _ := strings.Cut(assignment, "=")
		cmd.Env = append(cmd.Env, name+"="+moved(value))
		place(moved(value))
	}
	for _, path := range own {
		place(path)
	}
	input := arguments[1]
	if err := os.WriteFile(input, []byte("nhs_number,x\n9995609649,a\n9434765919,b\n,c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second night replaces what the first left
		cmd := *cmd
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, path := range own {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("after two nights: %v", err)
		}
	}
}

// underRoot moves absolute paths into a folder.
func underRoot(dir string) func(string) string {
	return func(path string) string {
		if strings.HasPrefix(path, "/") {
			return dir + path
		}
		return path
	}
}

func TestSystemdExample(t *testing.T) {
	service, err := os.ReadFile("../../docs/schedule/noo-births.service")
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(service), "\\\n", " ")
	values := func(key string) (values []string) {
		for _, match := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(joined, -1) {
			values = append(values, match[1])
		}
		return values
	}
	command := strings.Fields(values("ExecStart")[0])
	dir := smallRun(t)
	nightly(t, dir, underRoot(dir), values("Environment"), command[1:])

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	path, err := exec.LookPath("noo")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(dir, "noo-births.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(service), command[0], path)), 0o600); err != nil {
		t.Fatal(err)
	}
	timer, err := os.ReadFile("../../docs/schedule/noo-births.timer")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "noo-births.timer"), timer, 0o600); err != nil {
		t.Fatal(err)
	}
	// Its exit code may be about other units of the machine; what is wrong with these is said with
	// their names.
	out, _ := exec.Command(analyze, "verify", "--man=no", unit, filepath.Join(dir, "noo-births.timer")).CombinedOutput()
	if strings.Contains(string(out), "noo-births") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
}

func TestCronExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/schedule/crontab")
	if err != nil {
		t.Fatal(err)
	}
	var environment []string
	jobs := 0
	dir := smallRun(t)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		assignment := regexp.MustCompile(`^[A-Z_]+=`).MatchString(line)
		job := regexp.MustCompile(`^([0-9*,/-]+ ){5}(/\S+/noo) ([^%]*) 2>> (\S+)$`).FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case assignment:
			environment = append(environment, line)
		case job != nil:
			jobs++
			nightly(t, dir, underRoot(dir), environment, strings.Fields(job[3]))
		default:
			t.Errorf("not a line of a crontab: %s", line)
		}
	}
	if jobs != 1 {
		t.Errorf("%d jobs", jobs)
	}
}

func TestTaskSchedulerExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/schedule/noo-births.xml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "<?xml version=\"1.0\"?>\n") || strings.IndexFunc(string(text), func(r rune) bool { return r > 126 }) >= 0 {
		t.Error("Windows may read it in another encoding than it has")
	}
	var task struct {
		XMLName  xml.Name `xml:"http://schemas.microsoft.com/windows/2004/02/mit/task Task"`
		Version  string   `xml:"version,attr"`
		Start    string   `xml:"Triggers>CalendarTrigger>StartBoundary"`
		Days     int      `xml:"Triggers>CalendarTrigger>ScheduleByDay>DaysInterval"`
		Multiple string   `xml:"Settings>MultipleInstancesPolicy"`
		Limit    string   `xml:"Settings>ExecutionTimeLimit"`
		User     struct {
			ID   string `xml:"id,attr"`
			User string `xml:"UserId"`
		} `xml:"Principals>Principal"`
		Actions struct {
			Context   string `xml:"Context,attr"`
			Command   string `xml:"Exec>Command"`
			Arguments string `xml:"Exec>Arguments"`
			Folder    string `xml:"Exec>WorkingDirectory"`
		}
	}
	if err := xml.Unmarshal(text, &task); err != nil {
		t.Fatal(err)
	}
	if task.Version == "" || task.Days != 1 || task.Multiple != "IgnoreNew" || task.User.User == "" || task.User.ID != task.Actions.Context ||
		!regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`).MatchString(task.Start) || !regexp.MustCompile(`^PT\d+H$`).MatchString(task.Limit) {
		t.Errorf("%+v", task)
	}
	if !strings.HasSuffix(task.Actions.Command, `\noo.exe`) || task.Actions.Folder == "" {
		t.Errorf("%+v", task.Actions)
	}
	dir := smallRun(t)
	nightly(t, dir, func(path string) string {
		if rest, found := strings.CutPrefix(path, `C:\`); found {
			return filepath.Join(dir, strings.ReplaceAll(rest, `\`, "/"))
		}
		return path
	}, nil, strings.Fields(task.Actions.Arguments))
}

// TestArchitectureNamesEveryRoom: the table of docs/architecture.md has each package once, and no
// other.
func TestArchitectureNamesEveryRoom(t *testing.T) {
	listed, err := exec.Command("go", "list", "noo/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for path := range strings.FieldsSeq(string(listed)) {
		exist[strings.TrimPrefix(path, "noo/")] = true
	}
	_, rooms, _ := strings.Cut(readRoot(t, "docs/architecture.md"), "\n## Rooms\n")
	rooms, _, _ = strings.Cut(rooms, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(rooms, -1) {
		if !exist[row[1]] {
			t.Errorf("there is no package %s, or the page has it twice", row[1])
		}
		delete(exist, row[1])
	}
	for path := range exist {
		t.Errorf("the page does not name the package %s", path)
	}
}

// TestDocumentedMetrics: the metrics that docs/schedule names are those that a run writes.
func TestDocumentedMetrics(t *testing.T) {
	dir := smallRun(t)
	if out, err := noo(dir, "filter", "in.csv", "-o", "out.csv", "--metrics", "noo.prom").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names := regexp.MustCompile(`noo_(?:last|snapshot)_[a-z_]+`)
	read := func(path string) map[string]bool {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, name := range names.FindAllString(string(text), -1) {
			found[name] = true
		}
		return found
	}
	written, named := read(filepath.Join(dir, "noo.prom")), read("../../docs/schedule/README.md")
	if fmt.Sprint(written) != fmt.Sprint(named) {
		t.Errorf("written: %v\nnamed: %v", written, named)
	}
	text, err := os.ReadFile("../../docs/schedule/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(rules[1], &alerts); err != nil || len(alerts.Groups) != 1 || len(alerts.Groups[0].Rules) < 4 {
		t.Errorf("the alerts: %v, %+v", err, alerts)
	}
}
