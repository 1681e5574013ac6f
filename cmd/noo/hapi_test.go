package main

// noo fhir download and snapshot build against a real server: HAPI FHIR, which keeps Consents in
// memory. fhir/testdata/hapi/run.sh puts it together; without it the test is left out.

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

const hapiToken = "a.token-of_the~test"

func TestHAPI(t *testing.T) {
	made := os.Getenv("HAPI_SERVER")
	if made == "" {
		t.Skip("make fhir runs it")
	}
	address := startHAPI(t, made)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, version := range []string{"stu3", "r4"} {
		t.Run(version, func(t *testing.T) { testHAPI(t, r, address+"/"+version, version) })
	}
}

// startHAPI starts the server and returns its address. It ends with the test.
func startHAPI(t *testing.T, made string) string {
	t.Helper()
	classes := filepath.Join(made, "classes") + string(os.PathListSeparator) + filepath.Join(made, "lib", "*")
	cmd := exec.Command("java", "-cp", classes, "noo.ConsentServer", hapiToken)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// hapiConsent is a Consent of a version of FHIR, as JSON or XML.
func hapiConsent(version string, asXML bool, number, status, when string) string {
	switch {
	case version == "stu3" && asXML:
		return fmt.Sprintf(`<Consent xmlns="http://hl7.org/fhir"><status value="%s"/><patient><reference value="https://demographics.spineservices.nhs.uk/STU3/Patient/%s"/></patient><dateTime value="%s"/><purpose><system value="http://snomed.info/sct"/><code value="370856009"/></purpose></Consent>`, status, number, when)
	case version == "stu3":
		return fmt.Sprintf(`{"resourceType":"Consent","status":"%s","patient":{"reference":"https://demographics.spineservices.nhs.uk/STU3/Patient/%s"},"dateTime":"%s","purpose":[{"system":"http://snomed.info/sct","code":"370856009"}]}`, status, number, when)
	case asXML:
		return fmt.Sprintf(`<Consent xmlns="http://hl7.org/fhir"><status value="%s"/><category><coding><system value="http://snomed.info/sct"/><code value="370856009"/></coding></category><patient><identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="%s"/></identifier></patient><dateTime value="%s"/></Consent>`, status, number, when)
	}
	return fmt.Sprintf(`{"resourceType":"Consent","status":"%s","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%[2]s","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"%[2]s"}},"dateTime":"%[3]s","provision":{"type":"deny","purpose":[{"system":"http://snomed.info/sct","code":"370856009"}]}}`, status, number, when)
}

func testHAPI(t *testing.T, r *rand.Rand, base, version string) {
	latest, optedOut, sent := map[string]time.Time{}, map[string]bool{}, 0
	for len(latest) < 120 {
		key := 900_000_000 + r.Uint32N(99_000_000)
		check, ok := nhsnumber.CheckDigit(key)
		if !ok {
			continue
		}
		number := fmt.Sprintf("%d%d", key, check)
		for range 1 + r.IntN(3) {
			when := time.Unix(1_500_000_000+r.Int64N(200_000_000), 0).In(time.FixedZone("", 3600*(r.IntN(5)-2)))
			status := []string{"active", "inactive"}[r.IntN(2)]
			hapiCreate(t, base, hapiConsent(version, r.IntN(4) == 0, number, status, when.Format(time.RFC3339)))
			sent++
			if when.After(latest[number]) {
				latest[number], optedOut[number] = when, status == "active"
			}
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("token"), []byte(hapiToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := snapshot.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := snapshot.WriteKey(dir, "mine", key, nil); err != nil {
		t.Fatal(err)
	}
	// By its own client, in pages of several sizes.
	for _, query := range []string{"", "?_count=7", "?_count=1000"} {
		said := nooIn(t, dir, "fhir", "download", base+"/Consent"+query, "-o", "c.ndjson.gz", "--force", "--token-file", "token")
		if want := fmt.Sprintf("%d Consents in ", sent); !strings.Contains(said, want) {
			t.Errorf("%q: it says %q, want %q", query, said, want)
		}
		compareHAPI(t, dir, "c.ndjson.gz", key, optedOut)
	}
	// As another client saves a page with everything, in each of the server's forms.
	for name, format := range map[string]string{"c.json": "json", "pretty.json": "json&_pretty=true", "c.xml": "xml", "pretty.xml": "xml&_pretty=true"} {
		if err := os.WriteFile(in(name), hapiGet(t, base+"/Consent?_count=1000&_format="+format), 0o600); err != nil {
			t.Fatal(err)
		}
		compareHAPI(t, dir, name, key, optedOut)
	}
	// A page of several is refused, and so is a wrong token.
	if err := os.WriteFile(in("page.json"), hapiGet(t, base+"/Consent?_count=7&_format=json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, code := nooAt(t, dir, "snapshot", "build", "page.json", "-o", "x.noo", "--key", "mine.key"); code != 4 || !strings.Contains(said, "one page of several") {
		t.Errorf("a page: exit code %d, %s", code, said)
	}
	if said, code := nooAt(t, dir, "fhir", "download", base+"/Consent", "-o", "x.ndjson"); code != 5 || !strings.Contains(said, "token") {
		t.Errorf("no token: exit code %d, %s", code, said)
	}
}

// compareHAPI builds a snapshot of a file and compares it with who opted out.
func compareHAPI(t *testing.T, dir, name string, key minisign.PrivateKey, optedOut map[string]bool) {
	t.Helper()
	nooIn(t, dir, "snapshot", "build", name, "-o", "c.noo", "--key", "mine.key", "--force")
	s, err := snapshot.Open(filepath.Join(dir, "c.noo"), []minisign.PublicKey{key.Public().(minisign.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	count := uint64(0)
	for number, out := range optedOut {
		key, _ := nhsnumber.Parse([]byte(number))
		if out {
			count++
		}
		if got := s.Standing(key) == snapshot.OptedOut; got != out {
			t.Errorf("%s: somebody is opted out: %v, want %v", name, got, out)
		}
	}
	if got := s.Manifest().Sections[0].Count; got != count {
		t.Errorf("%s: %d opted out, want %d", name, got, count)
	}
}

func hapiCreate(t *testing.T, base, consent string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, base+"/Consent", strings.NewReader(consent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	if consent[0] == '<' {
		request.Header.Set("Content-Type", "application/fhir+xml")
	}
	hapiDo(t, request)
}

func hapiGet(t *testing.T, address string) []byte {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return hapiDo(t, request)
}

func hapiDo(t *testing.T, request *http.Request) []byte {
	t.Helper()
	request.Header.Set("Authorization", "Bearer "+hapiToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("status %d, %v\n%s", response.StatusCode, err, text)
	}
	return text
}

// nooAt runs noo in a folder, and returns what it says and its exit code.
func nooAt(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("noo", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NOO_STATE_DIR="+filepath.Join(dir, "state"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
		t.Fatal(err)
	}
	return said.String(), cmd.ProcessState.ExitCode()
}

// nooIn runs noo, which must succeed.
func nooIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	said, code := nooAt(t, dir, args...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	return said
}
