package main

// A FHIR server of files for scripts, and downloads that are killed.

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"noo/internal/atomicfile"
)

// serveFHIR serves the files in a folder to a script, and sets FHIR to the address: fhirserver DIR.
// The query page=2 answers with the file NAME.2, and a path /status/503 with this status. In the
// files, BASE is the address. If the folder has a file token, requests without it are refused.
func serveFHIR(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fhirserver DIR")
	}
	dir := ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := os.ReadFile(path.Join(dir, "token"))
		if err == nil && r.Header.Get("Authorization") != "Bearer "+strings.TrimSpace(string(token)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/")); err == nil {
			w.WriteHeader(status)
			return
		}
		name := path.Join(dir, path.Clean("/"+r.URL.Path))
		if page := r.URL.Query().Get("page"); page != "" {
			name += "." + page
		}
		text, err := os.ReadFile(name)
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		_, _ = w.Write([]byte(strings.ReplaceAll(string(text), "BASE", "http://"+r.Host)))
	}))
	ts.Defer(server.Close)
	ts.Setenv("FHIR", server.URL)
}

// TestDownloadKilled: a download that ends early leaves no output, nor part of one.
func TestDownloadKilled(t *testing.T) {
	for range 8 {
		dir := t.TempDir()
		last, page := int64(1+rand.IntN(300)), atomic.Int64{}
		reached, done := make(chan struct{}), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := page.Add(1)
			if n == last {
				close(reached)
				<-done
			}
			w.Header().Set("Content-Type", "application/fhir+json")
			fmt.Fprintf(w, `{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"?p=%d"}],"entry":[{"resource":{"resourceType":"Consent","id":"%d"}}]}`, n, n)
		}))
		cmd := exec.Command("noo", "fhir", "download", server.URL+"/Consent", "-o", "c.ndjson.gz")
		cmd.Dir = dir
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-reached
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		close(done)
		server.Close()
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range left {
			// Where files cannot be without a name, one is left that no reader takes.
			if !strings.HasSuffix(entry.Name(), atomicfile.TempSuffix) {
				t.Errorf("%s is left", entry.Name())
			}
		}
	}
}
